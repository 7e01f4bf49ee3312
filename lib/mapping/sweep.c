/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/mapping/pause_guard.h"
#include "lib/mapping/scan.h"

static bool sweep_may_stay(domm_keep keep, const void *context, const struct domm_foreign *foreign)
{
    return keep && keep(context, foreign);
}

int domm_scan_clear(struct domm_hv *hv, uint32_t monitor, const struct domm_scan *scan,
                    domm_keep keep, const void *context, size_t *kept_r, size_t *cleared_r,
                    struct domm_error *err)
{
    *kept_r = *cleared_r = 0;
    if (!scan->count)
        return 0;
    cleanup_free struct domm_pte_update *updates = calloc(scan->count, sizeof(*updates));
    if (!updates)
        return domm_no_memory(err);
    size_t count = 0;
    for (size_t i = 0; i < scan->count; i++) {
        const struct domm_foreign *foreign = &scan->foreign[i];
        if (!sweep_may_stay(keep, context, foreign))
            updates[count++] =
                (struct domm_pte_update){.table_mfn = foreign->l1_mfn, .slot = foreign->slot};
    }
    *kept_r = scan->count - count;
    return domm_hv_update(hv, monitor, monitor, updates, count, cleared_r, err);
}

/* The count of written entries is no proof: scan again. */
static int sweep_prove(struct domm_hv *hv, uint32_t monitor, domm_keep keep, const void *context,
                       struct domm_error *err)
{
    struct domm_scan scan;
    int rc = domm_scan(hv, monitor, &scan, err);
    if (rc)
        return rc;
    size_t left = 0, hidden = scan.hidden;
    for (size_t i = 0; i < scan.count; i++)
        left += !sweep_may_stay(keep, context, &scan.foreign[i]);
    domm_scan_free(&scan);
    if (left)
        return domm_fail(err, DOMM_OUTCOME_UNKNOWN, "%zu mappings in domain %u cannot be removed",
                         left, monitor);
    if (hidden)
        return domm_fail(err, DOMM_OUTCOME_UNKNOWN,
                         "domain %u hides %zu of its pages, and may have forbidden mappings there",
                         monitor, hidden);
    return 0;
}

static int sweep_paused(struct domm_hv *hv, uint32_t monitor, domm_keep keep, const void *context,
                        struct domm_sweep *sweep, struct domm_error *err)
{
    struct domm_scan scan;
    int rc = domm_hv_suspended(hv, monitor, &sweep->suspended, err);
    if (rc)
        return rc;
    rc = domm_scan(hv, monitor, &scan, err);
    if (rc)
        return rc;
    sweep->found = scan.count;
    rc = domm_scan_clear(hv, monitor, &scan, keep, context, &sweep->kept, &sweep->cleared, err);
    bool doubt = scan.hidden || sweep->found > sweep->kept;
    domm_scan_free(&scan);
    if (rc)
        return rc;
    if (doubt)
        return sweep_prove(hv, monitor, keep, context, err);
    return 0;
}

int domm_sweep(struct domm_hv *hv, uint32_t monitor, domm_keep keep, const void *context,
               struct domm_sweep *sweep_r, struct domm_error *err)
{
    struct domm_pause_guard guard;
    *sweep_r = (struct domm_sweep){0};
    int rc = domm_pause_guard_begin(hv, monitor, &guard, err);
    if (rc)
        return rc;
    uint64_t start = domm_now_ns();
    rc = sweep_paused(hv, monitor, keep, context, sweep_r, err);
    rc = domm_pause_guard_end(&guard, rc, err);
    sweep_r->paused_ns = domm_now_ns() - start;
    return rc;
}

int domm_scan_briefly(struct domm_hv *hv, uint32_t monitor, struct domm_scan *scan_r,
                      uint64_t *paused_ns_r, struct domm_error *err)
{
    struct domm_pause_guard guard;
    int rc = domm_pause_guard_begin(hv, monitor, &guard, err);
    if (rc)
        return rc;
    uint64_t start = domm_now_ns();
    int scan_rc = domm_scan(hv, monitor, scan_r, err);
    rc = domm_pause_guard_end(&guard, scan_rc, err);
    *paused_ns_r = domm_now_ns() - start;
    if (!scan_rc && rc)
        domm_scan_free(scan_r);
    return rc;
}
