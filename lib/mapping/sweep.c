/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <time.h>

#include "lib/base/cleanup.h"
#include "lib/mapping/hold.h"
#include "lib/mapping/scan.h"

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static bool may_stay(domm_keep keep, const void *context, const struct domm_foreign *foreign)
{
    return keep && keep(context, foreign);
}

int domm_scan_clear(struct domm_memory *memory, uint32_t domm, const struct domm_scan *scan,
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
        if (!may_stay(keep, context, foreign))
            updates[count++] =
                (struct domm_pte_update){.table_mfn = foreign->l1_mfn, .slot = foreign->slot};
    }
    *kept_r = scan->count - count;
    return domm_memory_update(memory, domm, domm, updates, count, cleared_r, err);
}

/* The count of written entries is not taken for proof: look again. */
static int prove(struct domm_memory *memory, uint32_t domm, domm_keep keep, const void *context,
                 struct domm_error *err)
{
    struct domm_scan scan;
    int rc = domm_scan(memory, domm, &scan, err);
    if (rc)
        return rc;
    size_t left = 0, hidden = scan.hidden;
    for (size_t i = 0; i < scan.count; i++)
        left += !may_stay(keep, context, &scan.foreign[i]);
    domm_scan_free(&scan);
    if (left)
        return domm_fail(err, DOMM_OUTCOME_UNKNOWN,
                         "%zu mappings in domain %u cannot be taken back", left, domm);
    if (hidden)
        return domm_fail(err, DOMM_OUTCOME_UNKNOWN,
                         "domain %u hides %zu of its pages, and may map there what it should not",
                         domm, hidden);
    return 0;
}

static int sweep_paused(struct domm_memory *memory, uint32_t domm, domm_keep keep,
                        const void *context, struct domm_sweep *sweep, struct domm_error *err)
{
    struct domm_scan scan;
    int rc = domm_scan(memory, domm, &scan, err);
    if (rc)
        return rc;
    sweep->found = scan.count;
    rc = domm_scan_clear(memory, domm, &scan, keep, context, &sweep->kept, &sweep->cleared, err);
    bool doubt = scan.hidden || sweep->found > sweep->kept;
    domm_scan_free(&scan);
    if (!rc && doubt)
        rc = prove(memory, domm, keep, context, err);
    return rc;
}

int domm_sweep(struct domm_memory *memory, uint32_t domm, domm_keep keep, const void *context,
               struct domm_sweep *sweep_r, struct domm_error *err)
{
    struct domm_hold hold;
    *sweep_r = (struct domm_sweep){0};
    int rc = domm_hold(memory, domm, &hold, err);
    if (rc)
        return rc;
    uint64_t start = now_ns();
    rc = domm_memory_suspended(memory, domm, &sweep_r->suspended, err);
    rc = rc ? rc : sweep_paused(memory, domm, keep, context, sweep_r, err);
    rc = domm_hold_end(&hold, rc, err);
    sweep_r->paused_ns = now_ns() - start;
    return rc;
}

int domm_scan_briefly(struct domm_memory *memory, uint32_t domm, struct domm_scan *scan_r,
                      uint64_t *paused_ns_r, struct domm_error *err)
{
    struct domm_hold hold;
    int rc = domm_hold(memory, domm, &hold, err);
    if (rc)
        return rc;
    uint64_t start = now_ns();
    int scan_rc = domm_scan(memory, domm, scan_r, err);
    rc = domm_hold_end(&hold, scan_rc, err);
    *paused_ns_r = now_ns() - start;
    if (!scan_rc && rc)
        domm_scan_free(scan_r);
    return rc;
}
