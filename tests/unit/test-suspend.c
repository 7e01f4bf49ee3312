/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whose suspend and whose pause it is, with a Xen and a xenstore that are made up. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <time.h>
#include <xenctrl.h>

#include "lib/xen/lifecycle.h"
#include "lib/xen/suspend.h"
#include "lib/xen/xen_internal.h"

#define MARK "/local/domain/7/domm-suspend"
#define REQUEST "/local/domain/7/control/shutdown"

static struct domm_xen xen;
static struct domm_error err;

/* The guest, and what libxl was asked to do with it. */
static struct {
    bool shutdown, crashes, deaf;
    int reason;
    unsigned pauses, resumed, managed;
} guest;

static struct node {
    char path[64], value[32];
    bool exists;
} nodes[3];

static struct node *node(const char *path)
{
    for (size_t i = 0; i < COUNT(nodes); i++) {
        if (strcmp(nodes[i].path, path) == 0)
            return &nodes[i];
    }
    fail_msg("%s is touched", path);
    return nodes;
}

static void set(const char *path, const char *value)
{
    struct node *at = node(path);
    at->exists = value != NULL;
    snprintf(at->value, sizeof(at->value), "%s", value ? value : "");
}

void *__wrap_xs_read(struct xs_handle *h, xs_transaction_t t, const char *path, unsigned *len);
void *__wrap_xs_read(struct xs_handle *h, xs_transaction_t t, const char *path, unsigned *len)
{
    (void)h;
    (void)t;
    errno = ENOENT;
    *len = 0;
    return node(path)->exists ? strdup(node(path)->value) : NULL;
}

bool __wrap_xs_write(struct xs_handle *h, xs_transaction_t t, const char *path, const void *data,
                     unsigned len);
bool __wrap_xs_write(struct xs_handle *h, xs_transaction_t t, const char *path, const void *data,
                     unsigned len)
{
    (void)h;
    (void)t;
    (void)len;
    set(path, data);
    return true;
}

bool __wrap_xs_rm(struct xs_handle *h, xs_transaction_t t, const char *path);
bool __wrap_xs_rm(struct xs_handle *h, xs_transaction_t t, const char *path)
{
    (void)h;
    (void)t;
    set(path, NULL);
    return true;
}

xs_transaction_t __wrap_xs_transaction_start(struct xs_handle *h);
xs_transaction_t __wrap_xs_transaction_start(struct xs_handle *h)
{
    (void)h;
    return 1;
}

bool __wrap_xs_transaction_end(struct xs_handle *h, xs_transaction_t t, bool abort);
bool __wrap_xs_transaction_end(struct xs_handle *h, xs_transaction_t t, bool abort)
{
    (void)h;
    (void)t;
    (void)abort;
    return true;
}

int __wrap_libxl_domain_info(libxl_ctx *ctx, libxl_dominfo *info, uint32_t domid);
int __wrap_libxl_domain_info(libxl_ctx *ctx, libxl_dominfo *info, uint32_t domid)
{
    (void)ctx;
    (void)domid;
    info->shutdown = guest.shutdown;
    info->shutdown_reason = (libxl_shutdown_reason)guest.reason;
    info->paused = guest.pauses > 0;
    return 0;
}

int __wrap_libxl_domain_suspend_only(libxl_ctx *ctx, uint32_t domid, const void *how);
int __wrap_libxl_domain_suspend_only(libxl_ctx *ctx, uint32_t domid, const void *how)
{
    (void)ctx;
    (void)domid;
    (void)how;
    assert_true(node(MARK)->exists); /* noted before it is asked */
    if (guest.deaf)
        return 0;
    guest.shutdown = true;
    guest.reason = guest.crashes ? LIBXL_SHUTDOWN_REASON_CRASH : LIBXL_SHUTDOWN_REASON_SUSPEND;
    return guest.crashes ? ERROR_GUEST_TIMEDOUT : 0;
}

int __wrap_libxl_domain_resume(libxl_ctx *ctx, uint32_t domid, int fast, const void *how);
int __wrap_libxl_domain_resume(libxl_ctx *ctx, uint32_t domid, int fast, const void *how)
{
    (void)ctx;
    (void)domid;
    (void)fast;
    (void)how;
    guest.shutdown = false;
    guest.resumed++;
    return 0;
}

int __wrap_libxl_domain_unpause(libxl_ctx *ctx, uint32_t domid, const void *how);
int __wrap_libxl_domain_unpause(libxl_ctx *ctx, uint32_t domid, const void *how)
{
    (void)ctx;
    (void)domid;
    (void)how;
    assert_true(guest.pauses > 0);
    guest.pauses--;
    return 0;
}

xc_interface *__wrap_xc_interface_open(xentoollog_logger *logger, xentoollog_logger *second,
                                       unsigned flags);
xc_interface *__wrap_xc_interface_open(xentoollog_logger *logger, xentoollog_logger *second,
                                       unsigned flags)
{
    (void)logger;
    (void)second;
    (void)flags;
    return NULL;
}

void __wrap_domm_xen_manage(struct domm_xen *handle, uint32_t domid);
void __wrap_domm_xen_manage(struct domm_xen *handle, uint32_t domid)
{
    (void)handle;
    (void)domid;
    guest.managed++;
}

static int begin_test(void **state)
{
    (void)state;
    memset(&guest, 0, sizeof(guest));
    memset(nodes, 0, sizeof(nodes));
    strcpy(nodes[0].path, MARK);
    strcpy(nodes[1].path, REQUEST);
    strcpy(nodes[2].path, "/local/domain/7/domid");
    nodes[2].exists = nodes[1].exists = true;
    return 0;
}

/* As xl does it. */
static void another_program_suspends(void)
{
    guest.shutdown = true;
    guest.reason = LIBXL_SHUTDOWN_REASON_SUSPEND;
}

static void what_domm_has_suspended_it_resumes(void **state)
{
    (void)state;
    assert_false(domm_xen_suspended_by_domm(&xen, 7));
    assert_int_equal(domm_xen_suspend(&xen, 7, &err), 0);
    assert_true(domm_xen_suspended_by_domm(&xen, 7));
    assert_int_equal(domm_xen_suspend(&xen, 7, &err), 0); /* it is */
    assert_int_equal(domm_xen_resume(&xen, 7, &err), 0);
    assert_int_equal(guest.resumed, 1);
    assert_int_equal(guest.managed, 1);
    assert_false(domm_xen_suspended_by_domm(&xen, 7));
}

static void what_another_program_has_suspended_is_left_alone(void **state)
{
    (void)state;
    another_program_suspends();
    guest.pauses = 1;
    assert_int_equal(domm_xen_suspend(&xen, 7, &err), -DOMM_REFUSED);
    assert_int_equal(domm_xen_resume(&xen, 7, &err), -DOMM_REFUSED);
    assert_contains(err.text, "another program");
    assert_true(guest.shutdown && guest.pauses == 1);
    assert_int_equal(guest.resumed + guest.managed, 0);
}

/* Pauses are counted: the saver's is taken back, the administrator's stays. */
static void only_the_savers_pause_is_taken_back(void **state)
{
    (void)state;
    assert_int_equal(domm_xen_suspend(&xen, 7, &err), 0);
    assert_int_equal(domm_xen_note_pause(&xen, 7, &err), 0);
    guest.pauses = 2;
    assert_int_equal(domm_xen_resume(&xen, 7, &err), 0);
    assert_int_equal(guest.pauses, 1);
    assert_int_equal(domm_xen_suspend(&xen, 7, &err), 0); /* without a pause of its own */
    assert_int_equal(domm_xen_resume(&xen, 7, &err), 0);
    assert_int_equal(guest.pauses, 1);
}

/* The process that resumed it was killed before it unpaused it. */
static void a_resume_that_was_cut_short_is_completed(void **state)
{
    (void)state;
    assert_int_equal(domm_xen_suspend(&xen, 7, &err), 0);
    assert_int_equal(domm_xen_note_pause(&xen, 7, &err), 0);
    guest.pauses = 1;
    guest.shutdown = false;
    assert_int_equal(domm_xen_resume(&xen, 7, &err), 0);
    assert_int_equal(guest.pauses, 0);
    assert_int_equal(guest.resumed, 0);
}

int __wrap_nanosleep(const struct timespec *time, struct timespec *left);
int __wrap_nanosleep(const struct timespec *time, struct timespec *left)
{
    (void)time;
    (void)left;
    return 0;
}

/* It was asked, has taken that up, and was paused by somebody before it had done it. */
static void an_administrators_pause_stays(void **state)
{
    (void)state;
    set(MARK, "1");
    set(REQUEST, "");
    guest.pauses = 1;
    assert_int_equal(domm_xen_resume(&xen, 7, &err), 0);
    assert_int_equal(guest.pauses, 1);
    assert_int_equal(guest.managed, 0);
}

static void a_guest_that_crashes_is_told_from_one_that_does_not_answer(void **state)
{
    (void)state;
    guest.crashes = true;
    assert_int_equal(domm_xen_suspend(&xen, 7, &err), -DOMM_FAILED);
    assert_contains(err.text, "crashed");
    begin_test(NULL);
    guest.deaf = true;
    assert_int_equal(domm_xen_suspend(&xen, 7, &err), -DOMM_FAILED);
    assert_contains(err.text, "does not answer");
    assert_false(domm_xen_suspended_by_domm(&xen, 7));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_domm_has_suspended_it_resumes, begin_test),
        cmocka_unit_test_setup(what_another_program_has_suspended_is_left_alone, begin_test),
        cmocka_unit_test_setup(only_the_savers_pause_is_taken_back, begin_test),
        cmocka_unit_test_setup(a_resume_that_was_cut_short_is_completed, begin_test),
        cmocka_unit_test_setup(an_administrators_pause_stays, begin_test),
        cmocka_unit_test_setup(a_guest_that_crashes_is_told_from_one_that_does_not_answer,
                               begin_test),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
