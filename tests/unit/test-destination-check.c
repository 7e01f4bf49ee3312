/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the preflight of a destination that is made up changes, and what it only checks. */
#include "tests/unit/unit.h"

#include "lib/migrate/destination_internal.h"
#include "lib/migrate/journal/unfinished.h"
#include "lib/migrate/recover.h"
#include "lib/migrate/restart_check.h"
#include "lib/pair/locks.h"
#include "lib/xen/host_requirements.h"
#include "lib/xen/room.h"

/* How often each was called. */
static struct {
    unsigned int cleared, finished, made, checked;
    uint64_t kib;
} calls;

bool __wrap_domm_service_runs(void);
int __wrap_domm_session_lock_guests(struct domm_session *session, struct domm_error *err);
int __wrap_domm_xen_domains(struct domm_xen *xen, struct domm_domain **domains_r, size_t *count_r,
                            struct domm_error *err);
int __wrap_domm_recover_clear(struct domm_session *session, unsigned int guest,
                              struct domm_error *err);
int __wrap_domm_unfinished_finish(const struct domm_unfinished_query *query,
                                  struct domm_error *err);
int __wrap_domm_xen_make_room(struct domm_xen *xen, uint64_t kib, struct domm_error *err);
int __wrap_domm_xen_check_room(struct domm_xen *xen, uint64_t kib, struct domm_error *err);
int __wrap_domm_hv_cpu_features(struct domm_hv *hv, bool pv, bool most, uint32_t words_r[],
                                size_t *count_r, struct domm_error *err);
int __wrap_domm_xen_requirements(struct domm_xen *xen, const char *json,
                                 struct domm_requirement **requirements_r, size_t *count_r,
                                 struct domm_error *err);
int __wrap_domm_restart_check(struct domm_session *session, struct domm_error *err);

bool __wrap_domm_service_runs(void)
{
    return true;
}

int __wrap_domm_session_lock_guests(struct domm_session *session, struct domm_error *err)
{
    (void)session;
    (void)err;
    return 0;
}

int __wrap_domm_xen_domains(struct domm_xen *xen, struct domm_domain **domains_r, size_t *count_r,
                            struct domm_error *err)
{
    (void)xen;
    (void)err;
    *domains_r = NULL;
    *count_r = 0;
    return 0;
}

int __wrap_domm_recover_clear(struct domm_session *session, unsigned int guest,
                              struct domm_error *err)
{
    (void)session;
    (void)guest;
    (void)err;
    calls.cleared++;
    return 0;
}

int __wrap_domm_unfinished_finish(const struct domm_unfinished_query *query, struct domm_error *err)
{
    (void)query;
    (void)err;
    calls.finished++;
    return 0;
}

int __wrap_domm_xen_make_room(struct domm_xen *xen, uint64_t kib, struct domm_error *err)
{
    (void)xen;
    (void)err;
    calls.made++;
    calls.kib = kib;
    return 0;
}

int __wrap_domm_xen_check_room(struct domm_xen *xen, uint64_t kib, struct domm_error *err)
{
    (void)xen;
    calls.checked++;
    calls.kib = kib;
    return domm_fail(err, DOMM_PREFLIGHT, "there is no room");
}

int __wrap_domm_hv_cpu_features(struct domm_hv *hv, bool pv, bool most, uint32_t words_r[],
                                size_t *count_r, struct domm_error *err)
{
    (void)hv;
    (void)pv;
    (void)most;
    (void)words_r;
    (void)err;
    *count_r = 0;
    return 0;
}

int __wrap_domm_xen_requirements(struct domm_xen *xen, const char *json,
                                 struct domm_requirement **requirements_r, size_t *count_r,
                                 struct domm_error *err)
{
    (void)xen;
    (void)json;
    (void)err;
    *requirements_r = NULL;
    *count_r = 0;
    return 0;
}

int __wrap_domm_restart_check(struct domm_session *session, struct domm_error *err)
{
    (void)session;
    (void)err;
    return 0;
}

static int check(bool preflight, struct domm_error *err)
{
    static struct domm_session session;
    session = (struct domm_session){.preflight = preflight, .offer = {.n_targets = 1}};
    session.guests[0].facts.memory_kib = session.guests[1].facts.memory_kib = 1024;
    memset(&calls, 0, sizeof(calls));
    return domm_destination_check(&session, err);
}

static void a_migration_makes_room_and_clears_what_is_left(void **state)
{
    (void)state;
    struct domm_error err;
    assert_int_equal(check(false, &err), 0);
    assert_int_equal(calls.cleared, 2);
    assert_int_equal(calls.finished, 2);
    assert_int_equal(calls.made, 1);
    assert_true(calls.kib > 2048);
}

/* domm migrate -N, domm check PAIR HOST */
static void a_preflight_changes_nothing(void **state)
{
    (void)state;
    struct domm_error err;
    assert_int_equal(check(true, &err), -DOMM_PREFLIGHT);
    assert_string_equal(err.text, "on the destination: there is no room");
    assert_true(calls.kib > 2048);
    assert_int_equal(calls.checked, 1);
    assert_int_equal(calls.made + calls.cleared + calls.finished, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_migration_makes_room_and_clears_what_is_left),
        cmocka_unit_test(a_preflight_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
