/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/mapping/mapping.h"

#include "lib/base/bits.h"
#include "lib/mapping/pause_guard.h"

int domm_mapping_locate(struct domm_hv *hv, uint32_t monitor, struct domm_region *regions,
                        size_t count, size_t *found_r, struct domm_error *err)
{
    struct domm_pause_guard guard;
    *found_r = 0;
    int rc = domm_pause_guard_begin(hv, monitor, &guard, err);
    if (rc)
        return rc;
    rc = domm_regions_locate(hv, monitor, regions, count, found_r, err);
    return domm_pause_guard_end(&guard, rc, err);
}

/* A PV guest can write anything into its p2m; Xen refuses frames that are not the target's. */
uint64_t domm_mapping_frame(const struct domm_mapping_target *target, uint64_t gfn)
{
    if (!target->layout)
        return gfn;
    uint64_t mfn = gfn & DOMM_BY_MFN             ? gfn & ~DOMM_BY_MFN
                   : gfn < target->layout->count ? target->layout->mfns[gfn]
                                                 : DOMM_NO_FRAME;
    return mfn <= DOMM_PTE_FRAME_BITS >> 12 ? mfn : DOMM_NO_FRAME;
}

bool domm_mapping_is_stale(const struct domm_mapping_target *target, uint64_t gfn, uint64_t mfn,
                           const uint64_t *m2p, size_t m2p_count)
{
    return mfn >= m2p_count || m2p[mfn] != gfn ||
           (target->layout && domm_mapping_frame(target, gfn) != mfn);
}

/* What the writing of one region's slots needs. */
struct slots {
    struct domm_hv *hv;
    uint32_t monitor;
    const struct domm_region *region;
    const struct domm_mapping_target *target; /* null for emptying */
    const uint64_t *gfns;                     /* by slot; DOMM_NO_FRAME: left alone */
    uint64_t *mfns;                           /* by slot, of those that are not left alone */
};

static size_t mapping_prepare(const struct slots *slots, struct domm_pte_update *updates)
{
    size_t count = 0;
    for (uint32_t slot = 1; slot < DOMM_PTES; slot++) {
        uint64_t frame = slots->gfns[slot] == DOMM_NO_FRAME
                             ? DOMM_NO_FRAME
                             : domm_mapping_frame(slots->target, slots->gfns[slot]);
        if (frame != DOMM_NO_FRAME)
            updates[count++] = (struct domm_pte_update){
                .table_mfn = slots->region->l1_mfn,
                .slot = slot,
                .value = domm_pte_mapping(frame),
            };
    }
    return count;
}

/* An entry is valid if it was written and Xen's own table says that its frame is the wanted gfn. */
static bool is_good(uint64_t gfn, uint64_t entry, const uint64_t *m2p, size_t m2p_count)
{
    uint64_t mfn = domm_pte_frame(entry);
    if (mfn >= m2p_count || domm_pte_flags(entry) != DOMM_PTE_MAPPING)
        return false;
    return gfn & DOMM_BY_MFN ? mfn == (gfn & ~DOMM_BY_MFN) : m2p[mfn] == gfn;
}

static int mapping_read_back(const struct slots *slots, struct domm_error *err)
{
    const uint64_t *m2p;
    size_t m2p_count;
    int error;
    int rc = domm_hv_m2p(slots->hv, &m2p, &m2p_count, err);
    if (rc)
        return rc;
    uint64_t *entries = domm_hv_map(slots->hv, slots->monitor, &slots->region->l1_mfn, 1, &error);
    if (!entries || error) {
        domm_hv_unmap(slots->hv, entries, 1);
        return domm_fail(err, DOMM_FAILED, "reading back a page table of domain %u",
                         slots->monitor);
    }
    for (uint32_t slot = 1; slot < DOMM_PTES; slot++) {
        if (slots->gfns[slot] == DOMM_NO_FRAME || slots->mfns[slot] == DOMM_NO_FRAME)
            continue;
        slots->mfns[slot] = is_good(slots->gfns[slot], entries[slot], m2p, m2p_count)
                                ? domm_pte_frame(entries[slot])
                                : DOMM_NO_FRAME;
    }
    domm_hv_unmap(slots->hv, entries, 1);
    return 0;
}

/* Empties those slots that shall not be left alone and have no mapping. */
static int empty(const struct slots *slots, struct domm_error *err)
{
    struct domm_pte_update updates[DOMM_PTES];
    size_t count = 0, done;
    for (uint32_t slot = 1; slot < DOMM_PTES; slot++) {
        if (slots->gfns[slot] != DOMM_NO_FRAME && slots->mfns[slot] == DOMM_NO_FRAME)
            updates[count++] =
                (struct domm_pte_update){.table_mfn = slots->region->l1_mfn, .slot = slot};
    }
    int rc = domm_hv_update(slots->hv, slots->monitor, slots->monitor, updates, count, &done, err);
    if (rc)
        return rc;
    if (done != count)
        return domm_fail(err, DOMM_FAILED, "only %zu of %zu mappings of domain %u were removed",
                         done, count, slots->monitor);
    return 0;
}

static void name_none(uint64_t frames[DOMM_PTES])
{
    for (size_t slot = 0; slot < DOMM_PTES; slot++)
        frames[slot] = DOMM_NO_FRAME;
}

static int write_slots(const struct slots *slots, struct domm_error *err)
{
    struct domm_pte_update updates[DOMM_PTES];
    size_t done, count = mapping_prepare(slots, updates);
    int rc =
        domm_hv_update(slots->hv, slots->monitor, slots->target->domid, updates, count, &done, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < count; i++)
        slots->mfns[updates[i].slot] = updates[i].error ? DOMM_NO_FRAME : 0;
    return mapping_read_back(slots, err);
}

/* mfns name none at first. */
static int fill(const struct slots *slots, struct domm_error *err)
{
    int rc = write_slots(slots, err);
    if (rc) {
        /* Nothing of this request stays. */
        struct domm_error second;
        name_none(slots->mfns);
        empty(slots, &second);
        return rc;
    }
    return empty(slots, err);
}

static int write_paused(const struct slots *slots, struct domm_error *err)
{
    int rc = domm_region_verify(slots->hv, slots->monitor, slots->region, err);
    if (rc)
        return rc;
    return fill(slots, err);
}

int domm_mapping_write(struct domm_hv *hv, uint32_t monitor, const struct domm_region *region,
                       const struct domm_mapping_target *target, const uint64_t gfns[DOMM_PTES],
                       uint64_t mfns_r[DOMM_PTES], struct domm_error *err)
{
    struct domm_pause_guard guard;
    const struct slots slots = {hv, monitor, region, target, gfns, mfns_r};
    name_none(mfns_r);
    int rc = domm_pause_guard_begin(hv, monitor, &guard, err);
    if (rc)
        return rc;
    rc = write_paused(&slots, err);
    return domm_pause_guard_end(&guard, rc, err);
}

static void remap_note(struct domm_remap *remap, uint32_t slot, uint64_t now)
{
    uint64_t before = remap->mfns[slot];
    remap->gone += before != DOMM_NO_FRAME && now == DOMM_NO_FRAME;
    remap->came += before == DOMM_NO_FRAME && now != DOMM_NO_FRAME;
    remap->replaced += before != DOMM_NO_FRAME && now != DOMM_NO_FRAME && now != before;
    remap->mfns[slot] = now;
}

static int remap_paused(struct domm_hv *hv, uint32_t monitor,
                        const struct domm_mapping_target *target, struct domm_remap *remap,
                        struct domm_error *err)
{
    uint64_t gfns[DOMM_PTES], mfns[DOMM_PTES];
    const struct slots slots = {hv, monitor, remap->region, target, gfns, mfns};
    for (uint32_t slot = 0; slot < DOMM_PTES; slot++)
        gfns[slot] = domm_bit_get(remap->which, slot) ? remap->gfns[slot] : DOMM_NO_FRAME;
    name_none(mfns);
    int rc = domm_region_verify(hv, monitor, remap->region, err);
    remap->lost = rc == -DOMM_REFUSED;
    if (rc)
        return remap->lost ? 0 : rc;
    rc = empty(&slots, err);
    if (rc)
        return rc;
    rc = fill(&slots, err);
    for (uint32_t slot = 1; slot < DOMM_PTES; slot++) {
        if (gfns[slot] != DOMM_NO_FRAME)
            remap_note(remap, slot, mfns[slot]);
    }
    return rc;
}

int domm_mapping_remap(struct domm_hv *hv, uint32_t monitor,
                       const struct domm_mapping_target *target, struct domm_remap *remaps,
                       size_t count, struct domm_error *err)
{
    struct domm_pause_guard guard;
    int rc = domm_pause_guard_begin(hv, monitor, &guard, err);
    if (rc)
        return rc;
    for (size_t i = 0; !rc && i < count; i++)
        rc = remap_paused(hv, monitor, target, &remaps[i], err);
    return domm_pause_guard_end(&guard, rc, err);
}

static int clear_paused(struct domm_hv *hv, uint32_t monitor, const struct domm_region *region,
                        uint32_t first, uint32_t count, struct domm_error *err)
{
    uint64_t gfns[DOMM_PTES], none[DOMM_PTES];
    const struct slots slots = {hv, monitor, region, NULL, gfns, none};
    name_none(gfns);
    name_none(none);
    for (uint32_t slot = first; slot < first + count; slot++)
        gfns[slot] = 0;
    int rc = domm_region_verify(hv, monitor, region, err);
    if (rc)
        return rc;
    return empty(&slots, err);
}

int domm_mapping_clear(struct domm_hv *hv, uint32_t monitor, const struct domm_region *region,
                       uint32_t first, uint32_t count, struct domm_error *err)
{
    struct domm_pause_guard guard;
    int rc = domm_pause_guard_begin(hv, monitor, &guard, err);
    if (rc)
        return rc;
    rc = clear_paused(hv, monitor, region, first, count, err);
    return domm_pause_guard_end(&guard, rc, err);
}
