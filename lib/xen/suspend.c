/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/xen/suspend.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <xenctrl.h>

#include "lib/base/cleanup.h"
#include "lib/base/sleep.h"
#include "lib/xen/domain.h"
#include "lib/xen/lifecycle.h"
#include "lib/xen/xen_internal.h"

/* A guest that has acknowledged a request to suspend gets a minute to carry it out, as from
 * libxl. */
#define SUSPEND_TRIES 1200
#define SUSPEND_TRY_MS 50

#define PATH_BYTES 64

/* This node exists from before domm asks a guest to suspend itself until domm has resumed it: a
 * suspended guest without it was suspended by another program, which xl save and xl migrate also
 * do. The request node itself disappears as soon as the guest has seen it. Only dom0 writes here.
 * The value says whether the saver has paused the guest, too. */
#define MARK_ASKED "1"
#define MARK_PAUSED "paused"

static void mark_path(uint32_t domid, char path_r[PATH_BYTES])
{
    snprintf(path_r, PATH_BYTES, "/local/domain/%u/domm-suspend", domid);
}

static void unmark(struct domm_xen *xen, uint32_t domid)
{
    char mark[PATH_BYTES];
    mark_path(domid, mark);
    xs_rm(xen->xenstore, XBT_NULL, mark);
}

/* Writes `to` if `from` exists, and, if `expected` is given, has that value. */
static bool write_if(struct domm_xen *xen, const char *from, const char *expected, const char *to,
                     const char *value)
{
    for (;;) {
        unsigned int length;
        xs_transaction_t transaction = xs_transaction_start(xen->xenstore);
        if (transaction == XBT_NULL)
            return false;
        cleanup_free char *found = xs_read(xen->xenstore, transaction, from, &length);
        bool may = found && (!expected || strcmp(found, expected) == 0) &&
                   xs_write(xen->xenstore, transaction, to, value, (unsigned)strlen(value));
        if (xs_transaction_end(xen->xenstore, transaction, !may))
            return may;
        if (errno != EAGAIN)
            return false;
    }
}

/* What Xen says of a guest. */
struct condition {
    bool suspended, paused;
    bool ended; /* it has crashed, powered off or asked for a reboot */
};

static int inspect(struct domm_xen *xen, uint32_t domid, struct condition *condition_r,
                   struct domm_error *err)
{
    libxl_dominfo info;
    libxl_dominfo_init(&info);
    int libxl_rc = libxl_domain_info(xen->libxl, &info, domid);
    bool suspended = info.shutdown && info.shutdown_reason == LIBXL_SHUTDOWN_REASON_SUSPEND;
    *condition_r = (struct condition){
        .suspended = suspended, .paused = info.paused, .ended = info.shutdown && !suspended};
    libxl_dominfo_dispose(&info);
    if (libxl_rc)
        return domm_fail(err, DOMM_NOT_FOUND, "there is no domain %u", domid);
    return 0;
}

/* libxl 4.17 answers 0 for a guest that has not answered it (the end of
 * domain_suspend_common_pvcontrol_suspending, libxl_dom_suspend.c). */
static int suspend(struct domm_xen *xen, uint32_t domid, struct domm_error *err)
{
    struct condition condition;
    int libxl_rc = libxl_domain_suspend_only(xen->libxl, domid, NULL);
    int rc = inspect(xen, domid, &condition, err);
    if (rc || (condition.suspended && !libxl_rc))
        return rc;
    if (condition.ended) {
        unmark(xen, domid);
        return domm_fail(err, DOMM_FAILED,
                         "domain %u crashed or shut down when it was asked to suspend", domid);
    }
    if (libxl_rc)
        return domm_fail(err, DOMM_FAILED, "domain %u did not suspend: error %d", domid, libxl_rc);
    unmark(xen, domid); /* libxl has withdrawn the request */
    return domm_fail(err, DOMM_FAILED, "domain %u does not answer the request to suspend", domid);
}

/* The mark, which the caller frees; null if there is none. */
static char *read_mark(struct domm_xen *xen, uint32_t domid)
{
    char mark[PATH_BYTES];
    unsigned int length;
    mark_path(domid, mark);
    return xs_read(xen->xenstore, XBT_NULL, mark, &length);
}

bool domm_xen_suspended_by_domm(struct domm_xen *xen, uint32_t domid)
{
    cleanup_free char *mark = read_mark(xen, domid);
    return mark || errno != ENOENT;
}

static int refuse_foreign(uint32_t domid, struct domm_error *err)
{
    domm_fail(err, DOMM_REFUSED, "another program has suspended domain %u", domid);
    return domm_hint(err, "wait until xl save or xl migrate has ended");
}

int domm_xen_suspend(struct domm_xen *xen, uint32_t domid, struct domm_error *err)
{
    char there[PATH_BYTES], mark[PATH_BYTES];
    struct condition condition;
    int rc = inspect(xen, domid, &condition, err);
    if (rc)
        return rc;
    if (condition.suspended)
        return domm_xen_suspended_by_domm(xen, domid) ? 0 : refuse_foreign(domid, err);
    snprintf(there, sizeof(there), "/local/domain/%u/domid", domid);
    mark_path(domid, mark);
    if (!write_if(xen, there, NULL, mark, MARK_ASKED))
        return domm_fail(err, DOMM_FAILED, "noting in xenstore that domain %u is to suspend",
                         domid);
    return suspend(xen, domid, err);
}

int domm_xen_note_pause(struct domm_xen *xen, uint32_t domid, struct domm_error *err)
{
    char mark[PATH_BYTES];
    mark_path(domid, mark);
    return write_if(xen, mark, NULL, mark, MARK_PAUSED)
               ? 0
               : domm_fail(err, DOMM_FAILED, "noting in xenstore that domain %u is to be paused",
                           domid);
}

/* Withdraws a request that the guest has not acknowledged; true if there was one. */
static bool withdraw(struct domm_xen *xen, uint32_t domid)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof(path), "/local/domain/%u/control/shutdown", domid);
    return write_if(xen, path, "suspend", path, "");
}

/* Of a saver that was killed the guest may still be about to suspend itself. *asked_r: it was asked
 * to, and has taken that up. */
static int await(struct domm_xen *xen, uint32_t domid, struct condition *condition_r, bool *asked_r,
                 struct domm_error *err)
{
    int rc = inspect(xen, domid, condition_r, err);
    *asked_r =
        domm_xen_suspended_by_domm(xen, domid) && (condition_r->suspended || !withdraw(xen, domid));
    if (rc || condition_r->suspended || !*asked_r)
        return rc;
    for (int i = 0; !rc && !condition_r->suspended && !condition_r->ended && i < SUSPEND_TRIES;
         i++) {
        domm_sleep_ms(SUSPEND_TRY_MS);
        rc = inspect(xen, domid, condition_r, err);
    }
    return rc;
}

/* A killed saver has left log-dirty mode on. A guest whose writes are tracked is only slower. */
static void stop_tracking(struct domm_xen *xen, uint32_t domid)
{
    xc_interface *control = xc_interface_open(&xen->xtl.vtable, NULL, 0);
    if (control)
        xc_shadow_control(control, domid, XEN_DOMCTL_SHADOW_OP_OFF, NULL, 0);
    xc_interface_close(control);
}

/* A pause that is not the saver's stays: pauses are counted (domain_pause_by_systemcontroller,
 * xen/common/domain.c). */
static int resume_guest(struct domm_xen *xen, uint32_t domid, bool suspended, bool unpause,
                        struct domm_error *err)
{
    int libxl_rc = suspended ? libxl_domain_resume(xen->libxl, domid, 1, NULL) : 0;
    if (!libxl_rc && unpause)
        libxl_rc = libxl_domain_unpause(xen->libxl, domid, NULL);
    if (libxl_rc)
        return domm_fail(err, DOMM_OUTCOME_UNKNOWN, "resuming domain %u: error %d", domid,
                         libxl_rc);
    return 0;
}

int domm_xen_resume(struct domm_xen *xen, uint32_t domid, struct domm_error *err)
{
    struct condition condition;
    bool asked;
    int rc = await(xen, domid, &condition, &asked, err);
    if (rc)
        return rc;
    if (condition.suspended && !asked)
        return refuse_foreign(domid, err);
    cleanup_free char *mark = read_mark(xen, domid);
    /* If it is not suspended, the process that resumed it was killed before it unpaused it. */
    bool unpause = condition.paused && mark && strcmp(mark, MARK_PAUSED) == 0;
    stop_tracking(xen, domid);
    rc = resume_guest(xen, domid, condition.suspended, unpause, err);
    if (rc)
        return rc;
    if (condition.suspended || unpause)
        domm_xen_manage(xen, domid);
    unmark(xen, domid);
    return 0;
}
