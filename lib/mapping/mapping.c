/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/mapping/mapping.h"

#include <string.h>

#include "lib/mapping/hold.h"

int domm_mapping_locate(struct domm_memory *memory, uint32_t domm, struct domm_region *regions,
                        size_t count, size_t *found_r, struct domm_error *err)
{
    struct domm_hold hold;
    *found_r = 0;
    int rc = domm_hold(memory, domm, &hold, err);
    if (rc)
        return rc;
    rc = domm_regions_locate(memory, domm, regions, count, found_r, err);
    return domm_hold_end(&hold, rc, err);
}

/* A PV guest's p2m is its own to write, so anything may be there; Xen refuses what is not the
 * target's. */
uint64_t domm_mapping_frame(const struct domm_mapping_target *target, uint64_t gfn)
{
    if (!target->layout)
        return gfn;
    uint64_t mfn = gfn < target->layout->count ? target->layout->mfns[gfn] : DOMM_NO_FRAME;
    return mfn <= DOMM_PTE_FRAME_BITS >> 12 ? mfn : DOMM_NO_FRAME;
}

static size_t prepare(const struct domm_region *region, const struct domm_mapping_target *target,
                      const struct domm_mapping_range *range, struct domm_pte_update *updates)
{
    size_t count = 0;
    for (uint32_t i = 0; i < range->count; i++) {
        uint64_t frame = domm_mapping_frame(target, range->gfn + i);
        if (frame != DOMM_NO_FRAME)
            updates[count++] = (struct domm_pte_update){
                .table_mfn = region->l1_mfn,
                .slot = range->first + i,
                .value = domm_pte_mapping(frame),
            };
    }
    return count;
}

/* An entry is good if it was written and its frame is, by Xen's own table, the wanted gfn. */
static int read_back(struct domm_memory *memory, uint32_t domm, const struct domm_region *region,
                     const struct domm_mapping_range *range, uint64_t *mfns, struct domm_error *err)
{
    const uint64_t *m2p;
    size_t m2p_count;
    int error;
    int rc = domm_memory_m2p(memory, &m2p, &m2p_count, err);
    if (rc)
        return rc;
    uint64_t *entries = domm_memory_map(memory, domm, &region->l1_mfn, 1, &error);
    if (!entries || error) {
        domm_memory_unmap(memory, entries, 1);
        return domm_fail(err, DOMM_FAILED, "reading back a page table of domain %u", domm);
    }
    for (uint32_t i = 0; i < range->count; i++) {
        uint64_t entry = entries[range->first + i], mfn = domm_pte_frame(entry);
        bool good = mfn < m2p_count && m2p[mfn] == range->gfn + i &&
                    domm_pte_flags(entry) == DOMM_PTE_MAPPING;
        if (mfns[range->first + i] != DOMM_NO_FRAME)
            mfns[range->first + i] = good ? mfn : DOMM_NO_FRAME;
    }
    domm_memory_unmap(memory, entries, 1);
    return 0;
}

/* Empties the slots of the range that map nothing. */
static int empty(struct domm_memory *memory, uint32_t domm, const struct domm_region *region,
                 uint32_t first, uint32_t slots, const uint64_t *mfns, struct domm_error *err)
{
    struct domm_pte_update updates[DOMM_PTES];
    size_t count = 0, done;
    for (uint32_t slot = first; slot < first + slots; slot++) {
        if (mfns[slot] == DOMM_NO_FRAME)
            updates[count++] = (struct domm_pte_update){.table_mfn = region->l1_mfn, .slot = slot};
    }
    int rc = domm_memory_update(memory, domm, domm, updates, count, &done, err);
    if (!rc && done != count)
        rc = domm_fail(err, DOMM_FAILED, "only %zu of %zu mappings of domain %u were taken back",
                       done, count, domm);
    return rc;
}

static void name_none(uint64_t mfns[DOMM_PTES])
{
    for (size_t slot = 0; slot < DOMM_PTES; slot++)
        mfns[slot] = DOMM_NO_FRAME;
}

static int write_paused(struct domm_memory *memory, uint32_t domm,
                        const struct domm_region *region, const struct domm_mapping_target *target,
                        const struct domm_mapping_range *range, uint64_t *mfns,
                        struct domm_error *err)
{
    struct domm_pte_update updates[DOMM_PTES];
    size_t done;
    int rc = domm_region_verify(memory, domm, region, err);
    if (rc)
        return rc;
    size_t count = prepare(region, target, range, updates);
    rc = domm_memory_update(memory, domm, target->domid, updates, count, &done, err);
    if (!rc) {
        for (size_t i = 0; i < count; i++)
            mfns[updates[i].slot] = updates[i].error ? DOMM_NO_FRAME : 0;
        rc = read_back(memory, domm, region, range, mfns, err);
    }
    if (rc) {
        /* Nothing of this request stays. */
        struct domm_error second;
        name_none(mfns);
        empty(memory, domm, region, range->first, range->count, mfns, &second);
        return rc;
    }
    return empty(memory, domm, region, range->first, range->count, mfns, err);
}

int domm_mapping_write(struct domm_memory *memory, uint32_t domm, const struct domm_region *region,
                       const struct domm_mapping_target *target,
                       const struct domm_mapping_range *range, uint64_t mfns_r[DOMM_PTES],
                       struct domm_error *err)
{
    struct domm_hold hold;
    name_none(mfns_r);
    int rc = domm_hold(memory, domm, &hold, err);
    if (rc)
        return rc;
    rc = write_paused(memory, domm, region, target, range, mfns_r, err);
    return domm_hold_end(&hold, rc, err);
}

int domm_mapping_clear(struct domm_memory *memory, uint32_t domm, const struct domm_region *region,
                       uint32_t first, uint32_t count, struct domm_error *err)
{
    uint64_t none[DOMM_PTES];
    struct domm_hold hold;
    name_none(none);
    int rc = domm_hold(memory, domm, &hold, err);
    if (rc)
        return rc;
    rc = domm_region_verify(memory, domm, region, err);
    if (!rc)
        rc = empty(memory, domm, region, first, count, none, err);
    return domm_hold_end(&hold, rc, err);
}
