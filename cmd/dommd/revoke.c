/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/dommd/revoke.h"

#include <string.h>

#include "cmd/dommd/monitor.h"
#include "cmd/dommd/regions.h"
#include "cmd/shared/event_loop.h"
#include "lib/mapping/mapping.h"
#include "lib/mapping/scan.h"

/* What a sweep may keep: the frames that dommd has itself put there for a target that may still be
 * mapped, read-only, where it has put them; and not what the monitor has moved there, which may be
 * another target's of the same gfn, nor what the target has given back. */
struct revoke_policy {
    struct monitor *monitor;
    const struct mapped_region *last; /* entries come table by table */
};

static bool revoke_may_stay(const void *context, const struct domm_foreign *foreign)
{
    struct revoke_policy *policy = (struct revoke_policy *)(uintptr_t)context;
    if (!policy->last || policy->last->at.l1_mfn != foreign->l1_mfn)
        policy->last = region_by_table(policy->monitor, foreign->l1_mfn);
    return policy->last && foreign->gfn != DOMM_NO_FRAME &&
           policy->last->mfns[foreign->slot] == foreign->mfn &&
           foreign->flags == DOMM_PTE_MAPPING &&
           monitor_target(policy->monitor, policy->last->domid);
}

/* Slots of targets that may no longer be mapped are empty from now on. */
static void forget(struct monitor *monitor, bool all)
{
    for (size_t i = 0; i < monitor->n_regions; i++) {
        struct mapped_region *region = monitor->regions[i];
        if (all || !monitor_target(monitor, region->domid))
            region_forget(region);
    }
}

/* A monitor's kernel can keep it from being scanned; not from losing what dommd itself has mapped
 * in the regions that it knows. */
static void take_back_known(struct service *service, struct monitor *monitor, bool all)
{
    struct domm_error err;
    size_t regions = 0;
    for (size_t i = 0; i < monitor->n_regions; i++) {
        struct mapped_region *region = monitor->regions[i];
        if (!region->domid || (!all && monitor_target(monitor, region->domid)) ||
            domm_mapping_clear(service->hv, monitor->domid, &region->at, 1, DOMM_REGION_SLOTS,
                               &err))
            continue;
        region_forget(region);
        regions++;
    }
    if (regions)
        domm_log(&service->log, DOMM_LOG_WARN,
                 "%s (%u): the mappings that dommd has made in %zu regions are taken back; others "
                 "may be left",
                 monitor->name, monitor->domid, regions);
}

void monitor_sweep(struct service *service, struct monitor *monitor, const char *why, bool all)
{
    struct revoke_policy policy = {.monitor = monitor};
    struct domm_sweep sweep;
    struct domm_error err;
    if (!monitor_lock(service, monitor)) { /* domm moves it: later */
        monitor->needs_rescan = true;
        monitor_defer_reclaim(monitor);
        return;
    }
    int rc = domm_sweep(service->hv, monitor->domid, all ? NULL : revoke_may_stay, &policy, &sweep,
                        &err);
    if (rc)
        take_back_known(service, monitor, all);
    monitor_unlock(service, monitor);
    /* What a monitor has mapped that is destroyed meanwhile ends with it. */
    if (rc && !domm_hv_alive(service->hv, monitor->domid))
        return;
    monitor->needs_rescan = rc != 0;
    if (rc) {
        domm_log(&service->log, DOMM_LOG_ERROR, "%s (%u): removing mappings because %s: %s",
                 monitor->name, monitor->domid, why, err.text);
        monitor_defer_reclaim(monitor);
        return;
    }
    forget(monitor, all);
    if (sweep.found)
        domm_log(&service->log, DOMM_LOG_INFO,
                 "%s (%u): %s: of %zu mappings %zu taken back, %zu stay; paused for %.1f ms",
                 monitor->name, monitor->domid, why, sweep.found, sweep.cleared, sweep.kept,
                 (double)sweep.paused_ns / 1e6);
    if (sweep.suspended && sweep.cleared)
        domm_log(&service->log, DOMM_LOG_ERROR,
                 "%s (%u) suspended before its mappings were removed: do not use an image "
                 "that is being saved of it now",
                 monitor->name, monitor->domid);
}

void monitor_reclaim(struct service *service, struct monitor *monitor)
{
    event_timer_set(monitor->reclaim_timer, -1);
    regions_drop_unowned(monitor);
    monitor_sweep(service, monitor, "nobody claims them", false);
}
