/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The scan: every present entry in any L1 table of a monitor that maps a frame which is not its
 * own. A frame is its own when Xen's m2p leads back into its p2m, and Xen says that the page there
 * is the domain's: the p2m is the monitor's to write. One without a gfn is its own when it can be
 * mapped as the monitor's. What flags the entry has does not matter.
 */
#ifndef DOMM_MAPPING_SCAN_H
#define DOMM_MAPPING_SCAN_H

#include "lib/mapping/pte.h"
#include "lib/xen/hv.h"

struct domm_foreign {
    uint64_t l1_pfn, l1_mfn;
    uint32_t slot;
    uint64_t mfn;
    uint64_t gfn; /* gfn in its owner, by the m2p; DOMM_NO_FRAME: its owner has released it since */
    uint64_t flags; /* flags of the entry */
};

struct domm_scan {
    struct domm_foreign *foreign; /* freed by domm_scan_free */
    size_t count;
    size_t tables;   /* L1 tables read */
    size_t nameless; /* entries of frames without a gfn that are the monitor's: Xen's in it */
    size_t hidden; /* pages of the monitor that its p2m does not name: their entries are unknown */
};

enum domm_frame_kind { DOMM_FRAME_OWN, DOMM_FRAME_FOREIGN, DOMM_FRAME_NAMELESS };

/* Pure. Uses the domain's layout. */
enum domm_frame_kind domm_frame_classify(uint64_t mfn, const struct domm_layout *layout,
                                         const uint64_t *m2p, size_t m2p_count);

/* The monitor must be paused. */
int domm_scan(struct domm_hv *hv, uint32_t monitor, struct domm_scan *scan_r,
              struct domm_error *err);
void domm_scan_free(struct domm_scan *scan);

/* Pauses the monitor, scans it and unpauses it. */
int domm_scan_briefly(struct domm_hv *hv, uint32_t monitor, struct domm_scan *scan_r,
                      uint64_t *paused_ns_r, struct domm_error *err);

/* Whether an entry may stay. */
typedef bool (*domm_keep)(const void *context, const struct domm_foreign *foreign);

/* Empties the entries of a scan that may not stay (all, if keep is null); the monitor must not have
 * run since the scan. *cleared_r may be fewer than those not kept: Xen may refuse some. */
int domm_scan_clear(struct domm_hv *hv, uint32_t monitor, const struct domm_scan *scan,
                    domm_keep keep, const void *context, size_t *kept_r, size_t *cleared_r,
                    struct domm_error *err);

struct domm_sweep {
    bool suspended; /* the monitor was suspended: cleared entries may have been in its page tables
                       too long */
    size_t found, cleared, kept;
    uint64_t paused_ns;
};

/*
 * Pauses the monitor, scans it, clears every foreign entry that may not stay (all, if keep is
 * null), scans again to prove that they are gone, and unpauses it. DOMM_OUTCOME_UNKNOWN if entries
 * are left, or may be left because the monitor hides pages.
 */
int domm_sweep(struct domm_hv *hv, uint32_t monitor, domm_keep keep, const void *context,
               struct domm_sweep *sweep_r, struct domm_error *err);

#endif
