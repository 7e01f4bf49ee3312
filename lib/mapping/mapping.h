/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Mappings: read-only entries in the monitor's page tables that map frames of a target. dom0 writes
 * them, the monitor has no privilege over the target: Xen lets it neither make one writable nor
 * copy it (xen/arch/x86/mm.c: mod_l1_entry and get_page_from_l1e look at the frame's owner). It may
 * move or keep one, so a scan of its L1 tables is the truth, and no list.
 *
 * dom0's writes flush no TLB of other CPUs: each function holds the monitor (pause_guard.h) until
 * it returns.
 */
#ifndef DOMM_MAPPING_MAPPING_H
#define DOMM_MAPPING_MAPPING_H

#include "lib/mapping/pte.h"
#include "lib/mapping/region.h"

struct domm_mapping_target {
    uint32_t domid;
    const struct domm_layout *layout; /* layout of a PV target; null for a translated one */
};

/* In place of a gfn: a frame of a PV target that has none, by its mfn. */
#define DOMM_BY_MFN (UINT64_C(1) << 62)

/* The frame in an entry for this gfn of the target: the gfn of a translated target, the mfn of a PV
 * one. DOMM_NO_FRAME if the target's p2m has none. Pure. */
uint64_t domm_mapping_frame(const struct domm_mapping_target *target, uint64_t gfn);

/* Whether the frame that is mapped for a gfn is not there any more, by Xen's m2p, and of a PV
 * target by its p2m; both are a PV target's own to write. Not for DOMM_BY_MFN. Pure. */
bool domm_mapping_is_stale(const struct domm_mapping_target *target, uint64_t gfn, uint64_t mfn,
                           const uint64_t *m2p, size_t m2p_count);

/* Maps gfns by slot of the region; a slot of DOMM_NO_FRAME is left alone, slot 0 always. Whatever
 * is in the others is replaced, so that asking again is harmless. mfns_r[slot] becomes the machine
 * frame of the target that is mapped there now, read back; DOMM_NO_FRAME and an empty slot where
 * the target has none. */
int domm_mapping_write(struct domm_hv *hv, uint32_t monitor, const struct domm_region *region,
                       const struct domm_mapping_target *target, const uint64_t gfns[DOMM_PTES],
                       uint64_t mfns_r[DOMM_PTES], struct domm_error *err);

/* Slots of a region that are to be emptied, and mapped anew. */
struct domm_remap {
    const struct domm_region *region;
    const uint64_t *gfns;        /* by slot */
    uint64_t *mfns;              /* by slot: what is mapped; changed */
    const unsigned char *which;  /* bits by slot: which of them */
    size_t gone, came, replaced; /* becomes how many have become holes, were some, map another */
    bool lost; /* becomes true if the page table is no longer the region's: nothing was done */
};

/*
 * Remaps slots of one target in a single pause of the monitor. Each slot is emptied before it is
 * filled: a frame that the target has given back is free from then on, and Xen looks at the owner
 * of what comes, which it does not if the same frame is written again (mod_l1_entry).
 */
int domm_mapping_remap(struct domm_hv *hv, uint32_t monitor,
                       const struct domm_mapping_target *target, struct domm_remap *remaps,
                       size_t count, struct domm_error *err);

/* Empties slots first to first + count - 1. */
int domm_mapping_clear(struct domm_hv *hv, uint32_t monitor, const struct domm_region *region,
                       uint32_t first, uint32_t count, struct domm_error *err);

/* As domm_regions_locate, but pauses the monitor. */
int domm_mapping_locate(struct domm_hv *hv, uint32_t monitor, struct domm_region *regions,
                        size_t count, size_t *found_r, struct domm_error *err);

#endif
