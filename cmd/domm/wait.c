/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/domm/wait.h"

#include "cmd/domm/interrupts.h"
#include "lib/base/clock.h"

#define LOOK_MS 1000

/* Returns 0 if ready, -DOMM_FAILED with what is not ready yet, or another code if waiting is
 * useless. */
static int wait_look(struct cmd_host *host, const struct domm_uuid *monitor,
                     const struct domm_uuid *target, struct domm_error *err)
{
    struct domm_observer observer = {
        .xen = host->context->xen, .store = host->store, .netlink = host->netlink};
    struct domm_status status;
    int rc = cmd_host_refresh(host, err);
    if (rc)
        return rc;
    const struct domm_inventory_entry *entry = domm_inventory_by_uuid(&host->inventory, monitor);
    if (!entry || entry->domain.state == DOMM_DOMAIN_CRASHED ||
        entry->domain.state == DOMM_DOMAIN_SHUTDOWN || entry->domain.state == DOMM_DOMAIN_DYING)
        return domm_fail(err, DOMM_NOT_FOUND, "the monitor has ended");
    rc = domm_status_measure(&observer, &host->inventory, &entry, 1, &status, err);
    if (rc)
        return cmd_interrupted() ? domm_fail(err, DOMM_ABORTED, "interrupted") : rc;
    const char *name;
    const struct domm_judgement *found = domm_status_gravest(&status, target, &name);
    if (!status.answered)
        rc = domm_fail(err, DOMM_FAILED, "the agent in the monitor gives no sign of life");
    else if (found->verdict != DOMM_VERDICT_READY)
        rc = domm_fail(err, DOMM_FAILED, "%s: %s", name, found->reason);
    domm_status_free(&status);
    return rc;
}

int cmd_wait_ready(struct cmd_host *host, const struct domm_uuid *monitor,
                   const struct domm_uuid *target, unsigned seconds, struct domm_error *err)
{
    int64_t start_ms = domm_now_ms();
    int rc;
    unsigned passed = 0;
    while ((rc = wait_look(host, monitor, target, err)) == -DOMM_FAILED && passed < seconds) {
        domm_log_progress(host->context->log, "waiting until the monitor is ready",
                          (int)(passed * 100 / seconds));
        if (cmd_pause_ms(LOOK_MS, err))
            return -DOMM_ABORTED;
        passed = (unsigned)((domm_now_ms() - start_ms) / 1000);
    }
    domm_log_progress(host->context->log, "waiting until the monitor is ready", 100);
    return rc == -DOMM_FAILED ? domm_wrap(err, "not ready after %u s", passed) : rc;
}
