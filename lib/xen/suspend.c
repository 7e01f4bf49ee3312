/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/base/cleanup.h"
#include "lib/xen/internal.h"
#include "lib/xen/save.h"

/* A guest that has taken up a request to suspend gets this long to carry it out. */
#define SUSPEND_TRIES 100
#define SUSPEND_TRY_NS 50000000L

int domm_xen_suspend(struct domm_xen *xen, uint32_t domid, struct domm_error *err)
{
    int libxl_rc = libxl_domain_suspend_only(xen->libxl, domid, NULL);
    if (libxl_rc)
        return domm_fail(err, DOMM_FAILED, "domain %u did not suspend: error %d", domid, libxl_rc);
    return 0;
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

/* True if there was a request that the guest had not taken up, and it is gone now. */
static bool withdraw(struct domm_xen *xen, uint32_t domid)
{
    char path[64];
    snprintf(path, sizeof(path), "/local/domain/%u/control/shutdown", domid);
    for (;;) {
        unsigned int length;
        xs_transaction_t transaction = xs_transaction_start(xen->xenstore);
        if (transaction == XBT_NULL)
            return false;
        cleanup_free char *request = xs_read(xen->xenstore, transaction, path, &length);
        bool pending = request && strcmp(request, "suspend") == 0 &&
                       xs_write(xen->xenstore, transaction, path, "", 0);
        if (xs_transaction_end(xen->xenstore, transaction, !pending))
            return pending;
        if (errno != EAGAIN)
            return false;
    }
}

/* Of a saver that was killed the guest may still be about to suspend itself. */
static int await(struct domm_xen *xen, uint32_t domid, bool *suspended_r, bool *paused_r,
                 struct domm_error *err)
{
    int rc = inspect(xen, domid, suspended_r, paused_r, err);
    if (rc || *suspended_r || withdraw(xen, domid))
        return rc;
    for (int i = 0; !rc && !*suspended_r && i < SUSPEND_TRIES; i++) {
        nanosleep(&(struct timespec){.tv_nsec = SUSPEND_TRY_NS}, NULL);
        rc = inspect(xen, domid, suspended_r, paused_r, err);
    }
    return rc;
}

int domm_xen_resume(struct domm_xen *xen, uint32_t domid, struct domm_error *err)
{
    bool suspended, paused;
    int rc = await(xen, domid, &suspended, &paused, err);
    if (rc || !suspended)
        return rc;
    int libxl_rc = libxl_domain_resume(xen->libxl, domid, 1, NULL);
    if (!libxl_rc && paused)
        libxl_rc = libxl_domain_unpause(xen->libxl, domid, NULL);
    if (libxl_rc)
        return domm_fail(err, DOMM_OUTCOME_UNKNOWN, "resuming domain %u: error %d", domid,
                         libxl_rc);
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
