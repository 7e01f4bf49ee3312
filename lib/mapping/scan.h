/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The scan: every present entry in any L1 table of a domM that maps a frame which is not its own.
 * A frame is its own when Xen's m2p leads back into its p2m, and Xen says that the page there is
 * the domain's: the p2m is domM's to write.
 */
#ifndef DOMM_MAPPING_SCAN_H
#define DOMM_MAPPING_SCAN_H

#include "lib/mapping/pte.h"
#include "lib/xen/memory.h"

struct domm_foreign {
    uint64_t l1_pfn, l1_mfn;
    uint32_t slot;
    uint64_t mfn;
    uint64_t gfn;   /* in its owner, by the m2p; DOMM_NO_FRAME: its owner has given it away since */
    uint64_t flags; /* the entry without its frame */
};

struct domm_scan {
    struct domm_foreign *foreign; /* freed by domm_scan_free */
    size_t count;
    size_t tables;   /* L1 tables read */
    size_t nameless; /* other entries of frames without a gfn: Xen's own, and devices' */
    size_t hidden;   /* pages of domM that its p2m does not name: what they map is not known */
};

enum domm_frame_kind { DOMM_FRAME_OWN, DOMM_FRAME_FOREIGN, DOMM_FRAME_NAMELESS };

/* Pure. By the domain's layout. */
enum domm_frame_kind domm_frame_classify(uint64_t mfn, const struct domm_layout *layout,
                                         const uint64_t *m2p, size_t m2p_count);

/* Calls for a paused domM. */
int domm_scan(struct domm_memory *memory, uint32_t domm, struct domm_scan *scan_r,
              struct domm_error *err);
void domm_scan_free(struct domm_scan *scan);

/* Pauses domM, scans it and unpauses it. */
int domm_scan_briefly(struct domm_memory *memory, uint32_t domm, struct domm_scan *scan_r,
                      uint64_t *paused_ns_r, struct domm_error *err);

/* Whether an entry may stay. */
typedef bool (*domm_keep)(const void *context, const struct domm_foreign *foreign);

/* Empties the entries of a scan that may not stay (all, if keep is null); domM must be as it was
 * when it was scanned. *cleared_r may be fewer than not kept: those that Xen refuses. */
int domm_scan_clear(struct domm_memory *memory, uint32_t domm, const struct domm_scan *scan,
                    domm_keep keep, const void *context, size_t *kept_r, size_t *cleared_r,
                    struct domm_error *err);

struct domm_sweep {
    bool suspended; /* domM was: what has been cleared may have been in its page tables too long */
    size_t found, cleared, kept;
    uint64_t paused_ns;
};

/*
 * Pauses domM, scans it, takes back every foreign entry that may not stay (all, if keep is null),
 * scans again to prove that they are gone, and unpauses it. Fails with DOMM_OUTCOME_UNKNOWN if
 * something is left, or may be since domM hides pages.
 */
int domm_sweep(struct domm_memory *memory, uint32_t domm, domm_keep keep, const void *context,
               struct domm_sweep *sweep_r, struct domm_error *err);

#endif
