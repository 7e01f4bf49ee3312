/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "cmd/dommd/watcher.h"
#include "lib/mapping/scan.h"

/* How long a domM that never stops asking can put off that what nobody claims is taken back. */
#define MAX_GRACES 12

/* What a sweep may keep: the frames that dommd has itself put there for a target that may still be
 * mapped, read-only, where it has put them; and not what domM has moved there, which may be another
 * target's of the same gfn, nor what the target has given back. */
struct policy {
    struct watcher *watcher;
    const struct region *last; /* entries come table by table */
};

static bool may_stay(const void *context, const struct domm_foreign *foreign)
{
    struct policy *policy = (struct policy *)(uintptr_t)context;
    if (!policy->last || policy->last->at.l1_mfn != foreign->l1_mfn)
        policy->last = region_by_table(policy->watcher, foreign->l1_mfn);
    return policy->last && foreign->gfn != DOMM_NO_FRAME &&
           policy->last->mfns[foreign->slot] == foreign->mfn &&
           foreign->flags == DOMM_PTE_MAPPING &&
           watcher_target(policy->watcher, policy->last->domid);
}

/* Slots of targets that may no longer be mapped are empty from now on. */
static void forget(struct watcher *watcher, bool all)
{
    for (size_t i = 0; i < watcher->n_regions; i++) {
        struct region *region = watcher->regions[i];
        if (all || !watcher_target(watcher, region->domid))
            region_forget(region);
    }
}

void watcher_sweep(struct service *service, struct watcher *watcher, const char *why, bool all)
{
    struct policy policy = {.watcher = watcher};
    struct domm_sweep sweep;
    struct domm_error err;
    if (!watcher_lock(service, watcher)) { /* domm moves it: later */
        watcher->unproven = true;
        watcher_unsettle(service, watcher);
        return;
    }
    int rc =
        domm_sweep(service->memory, watcher->domid, all ? NULL : may_stay, &policy, &sweep, &err);
    watcher_unlock(service, watcher);
    /* What a domM has mapped that is destroyed meanwhile ends with it. */
    if (rc && !domm_memory_alive(service->memory, watcher->domid))
        return;
    watcher->unproven = rc != 0;
    if (rc) {
        domm_log(&service->log, DOMM_LOG_ERROR, "%s (%u): taking back mappings because %s: %s",
                 watcher->name, watcher->domid, why, err.text);
        watcher_unsettle(service, watcher);
        return;
    }
    forget(watcher, all);
    if (sweep.found)
        domm_log(&service->log, DOMM_LOG_INFO,
                 "%s (%u): %s: of %zu mappings %zu taken back, %zu stay; paused for %.1f ms",
                 watcher->name, watcher->domid, why, sweep.found, sweep.cleared, sweep.kept,
                 (double)sweep.paused_ns / 1e6);
    if (sweep.suspended && sweep.cleared)
        domm_log(&service->log, DOMM_LOG_ERROR,
                 "%s (%u) had suspended itself before its mappings were taken back: an image that "
                 "is being saved of it now may be damaged",
                 watcher->name, watcher->domid);
}

void watcher_unsettle(const struct service *service, struct watcher *watcher)
{
    int64_t now = now_ms();
    if (!watcher->settle_ms)
        watcher->settle_latest_ms = now + MAX_GRACES * service->grace_ms;
    watcher->settle_ms = now + service->grace_ms;
    if (watcher->settle_ms > watcher->settle_latest_ms)
        watcher->settle_ms = watcher->settle_latest_ms;
}

void watcher_settle(struct service *service, struct watcher *watcher)
{
    watcher->settle_ms = 0;
    regions_drop_unowned(watcher);
    watcher_sweep(service, watcher, "nobody claims them", false);
}

void target_release(struct service *service, struct target *target)
{
    /* The mapped p2m holds frames of the target, which would keep it dying. */
    domm_memory_layout_free(service->memory, &target->layout);
    target->domid = 0;
}
