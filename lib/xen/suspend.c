/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <xenctrl.h>

#include "lib/base/cleanup.h"
#include "lib/base/rest.h"
#include "lib/xen/ending.h"
#include "lib/xen/guest.h"
#include "lib/xen/internal.h"
#include "lib/xen/save.h"

/* A guest that has taken up a request to suspend gets a minute to carry it out, as from libxl. */
#define SUSPEND_TRIES 1200
#define SUSPEND_TRY_MS 50

#define PATH_BYTES 64

/* There from before a guest is asked to suspend itself until it is resumed. The request itself
 * does not tell: it is gone as soon as the guest has seen it. Only dom0 writes here. */
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

/* Writes `to` if `from` is there, and is what is expected if that is given. */
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

static int inspect(struct domm_xen *xen, uint32_t domid, bool *suspended_r, bool *paused_r,
                   struct domm_error *err)
{
    libxl_dominfo info;
    libxl_dominfo_init(&info);
    int libxl_rc = libxl_domain_info(xen->libxl, &info, domid);
    *suspended_r = info.shutdown && info.shutdown_reason == LIBXL_SHUTDOWN_REASON_SUSPEND;
    *paused_r = info.paused;
    libxl_dominfo_dispose(&info);
    if (libxl_rc)
        return domm_fail(err, DOMM_NOT_FOUND, "there is no domain %u", domid);
    return 0;
}

/* libxl 4.17 answers 0 for a guest that has not answered it (the end of
 * domain_suspend_common_pvcontrol_suspending, libxl_dom_suspend.c). */
static int suspend(struct domm_xen *xen, uint32_t domid, struct domm_error *err)
{
    bool suspended, paused;
    int libxl_rc = libxl_domain_suspend_only(xen->libxl, domid, NULL);
    if (libxl_rc)
        return domm_fail(err, DOMM_FAILED, "domain %u did not suspend: error %d", domid, libxl_rc);
    int rc = inspect(xen, domid, &suspended, &paused, err);
    if (rc || suspended)
        return rc;
    unmark(xen, domid); /* libxl has taken the request back */
    return domm_fail(err, DOMM_FAILED, "domain %u does not answer the request to suspend", domid);
}

int domm_xen_suspend(struct domm_xen *xen, uint32_t domid, struct domm_error *err)
{
    char there[PATH_BYTES], mark[PATH_BYTES];
    bool suspended, paused;
    int rc = inspect(xen, domid, &suspended, &paused, err);
    if (rc || suspended)
        return rc;
    snprintf(there, sizeof(there), "/local/domain/%u/domid", domid);
    mark_path(domid, mark);
    if (!write_if(xen, there, NULL, mark, "1"))
        return domm_fail(err, DOMM_FAILED, "noting in xenstore that domain %u is to suspend",
                         domid);
    return suspend(xen, domid, err);
}

/* True if there was a request that the guest had not taken up, and it is gone now. */
static bool withdraw(struct domm_xen *xen, uint32_t domid)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof(path), "/local/domain/%u/control/shutdown", domid);
    return write_if(xen, path, "suspend", path, "");
}

static bool is_asked(struct domm_xen *xen, uint32_t domid)
{
    char mark[PATH_BYTES];
    unsigned int length;
    mark_path(domid, mark);
    cleanup_free char *there = xs_read(xen->xenstore, XBT_NULL, mark, &length);
    return there || errno != ENOENT;
}

/* Of a saver that was killed the guest may still be about to suspend itself. *asked_r: it was asked
 * to, and has taken that up. */
static int await(struct domm_xen *xen, uint32_t domid, bool *suspended_r, bool *paused_r,
                 bool *asked_r, struct domm_error *err)
{
    int rc = inspect(xen, domid, suspended_r, paused_r, err);
    *asked_r = is_asked(xen, domid) && (*suspended_r || !withdraw(xen, domid));
    if (rc || *suspended_r || !*asked_r)
        return rc;
    for (int i = 0; !rc && !*suspended_r && i < SUSPEND_TRIES; i++) {
        domm_rest_ms(SUSPEND_TRY_MS);
        rc = inspect(xen, domid, suspended_r, paused_r, err);
    }
    return rc;
}

/* A saver that was killed has left it on. A guest whose writes are tracked is only slower. */
static void stop_tracking(struct domm_xen *xen, uint32_t domid)
{
    xc_interface *control = xc_interface_open(&xen->xtl.vtable, NULL, 0);
    if (control)
        xc_shadow_control(control, domid, XEN_DOMCTL_SHADOW_OP_OFF, NULL, 0);
    xc_interface_close(control);
}

static int resume(struct domm_xen *xen, uint32_t domid, bool paused, struct domm_error *err)
{
    int libxl_rc = libxl_domain_resume(xen->libxl, domid, 1, NULL);
    if (!libxl_rc && paused)
        libxl_rc = libxl_domain_unpause(xen->libxl, domid, NULL);
    if (libxl_rc)
        return domm_fail(err, DOMM_OUTCOME_UNKNOWN, "resuming domain %u: error %d", domid,
                         libxl_rc);
    return 0;
}

int domm_xen_resume(struct domm_xen *xen, uint32_t domid, struct domm_error *err)
{
    bool suspended, paused, asked;
    int rc = await(xen, domid, &suspended, &paused, &asked, err);
    if (rc)
        return rc;
    stop_tracking(xen, domid);
    if (suspended)
        rc = resume(xen, domid, paused, err);
    else if (asked && paused) /* who resumed it was killed before it had unpaused it */
        rc = domm_xen_unpause(xen, domid, err);
    if (rc)
        return rc;
    if (suspended || (asked && paused))
        domm_xen_tend(xen, domid);
    unmark(xen, domid);
    return 0;
}

int domm_xen_configuration(struct domm_xen *xen, uint32_t domid, char **json_r,
                           struct domm_error *err)
{
    libxl_domain_config config;
    libxl_domain_config_init(&config);
    int libxl_rc = libxl_retrieve_domain_configuration(xen->libxl, domid, &config, NULL);
    *json_r = libxl_rc ? NULL : libxl_domain_config_to_json(xen->libxl, &config);
    libxl_domain_config_dispose(&config);
    if (!*json_r)
        return domm_fail(err, DOMM_FAILED, "asking for the configuration of domain %u: error %d",
                         domid, libxl_rc);
    return 0;
}

void domm_xen_forked(struct domm_xen *xen)
{
    if (xen)
        libxl_postfork_child_noexec(xen->libxl);
}
