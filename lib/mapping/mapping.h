/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Mappings: read-only entries in domM's page tables that map frames of a target. dom0 writes them,
 * domM has no privilege over the target: Xen lets it neither make one writable nor copy it
 * (xen/arch/x86/mm.c: mod_l1_entry and get_page_from_l1e look at the frame's owner). It may move
 * or keep one, so a scan of its L1 tables is the truth, and no list.
 *
 * dom0's writes flush no TLB of other CPUs: each function holds domM (hold.h) until it returns.
 */
#ifndef DOMM_MAPPING_MAPPING_H
#define DOMM_MAPPING_MAPPING_H

#include "lib/mapping/pte.h"
#include "lib/mapping/region.h"

struct domm_mapping_target {
    uint32_t domid;
    const struct domm_layout *layout; /* of a PV target; null for a translated one */
};

/* What an entry for this gfn of the target must hold: the gfn of a translated target, the mfn of a
 * PV one. DOMM_NO_FRAME if the target's p2m has none. Pure. */
uint64_t domm_mapping_frame(const struct domm_mapping_target *target, uint64_t gfn);

/* Frames gfn, gfn + 1, ... into slots first, first + 1, ... of a region; whatever is there is
 * replaced, so that asking again is harmless. count: 1 to DOMM_REGION_SLOTS. */
struct domm_mapping_range {
    uint32_t first; /* slot, 1 to 511 */
    uint32_t count;
    uint64_t gfn;
};

/* mfns_r[slot] of the range becomes the machine frame of the target that is mapped there now, read
 * back; DOMM_NO_FRAME where it has none, and the slot is then empty. */
int domm_mapping_write(struct domm_memory *memory, uint32_t domm, const struct domm_region *region,
                       const struct domm_mapping_target *target,
                       const struct domm_mapping_range *range, uint64_t mfns_r[DOMM_PTES],
                       struct domm_error *err);

/* Empties slots first to first + count - 1. */
int domm_mapping_clear(struct domm_memory *memory, uint32_t domm, const struct domm_region *region,
                       uint32_t first, uint32_t count, struct domm_error *err);

/* As domm_regions_locate, with the pause. */
int domm_mapping_locate(struct domm_memory *memory, uint32_t domm, struct domm_region *regions,
                        size_t count, size_t *found_r, struct domm_error *err);

#endif
