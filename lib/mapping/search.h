/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The search for pages that a target owns and a monitor does not map: a target gets pages back by
 * its balloon, and can move pages to any gfn. Xen gives no list of a guest's pages, and the highest
 * gfn is the guest's to inflate. But each frame of the machine has one entry in Xen's m2p, which is
 * the gfn of its owner: so every gfn that the m2p names is looked up in the target. Of a PV target,
 * whose m2p entries are its own to write, each frame that is not mapped is asked for its owner.
 *
 * It is done in steps of bounded work. A pass is a snapshot of nothing: what changes behind its
 * back is found by the next one.
 */
#ifndef DOMM_MAPPING_SEARCH_H
#define DOMM_MAPPING_SEARCH_H

#include "lib/xen/hv.h"

/* Most that one step looks at: entries of the m2p, and frames that Xen is asked for. */
#define DOMM_SEARCH_ENTRIES (UINT64_C(1) << 18)
#define DOMM_SEARCH_FRAMES 1024
#define DOMM_SEARCH_LEAST 16 /* frames: no step is worth less */

struct domm_search_scope {
    uint32_t domid;
    bool translated;
    const uint64_t *m2p;
    size_t m2p_count;
    uint64_t frames;             /* size of its view */
    const unsigned char *mapped; /* bits by mfn: frames of it that are mapped */
    const unsigned char *holes;  /* bits by gfn below frames: wanted, and not mapped */
    size_t at_once; /* frames that Xen is asked for in one step: up to DOMM_SEARCH_FRAMES */
};

/* Where a pass begins that leaves out the places where libxl puts pages beyond a view; one that
 * begins at 0 looks there first. */
#define DOMM_SEARCH_LATER UINT64_C(0x3000)

/*
 * One step from *at on, which becomes DOMM_SEARCH_END when the pass is over. found_r: what the
 * target has, by gfn, or by mfn of a PV target; wanted gfns below frames, and all beyond. An entry
 * may be found again that is mapped. Has room for DOMM_SEARCH_FRAMES. asked_r: how many frames Xen
 * was asked for.
 */
#define DOMM_SEARCH_END UINT64_MAX
int domm_search_step(struct domm_hv *hv, const struct domm_search_scope *scope, uint64_t *at,
                     uint64_t *found_r, size_t *count_r, size_t *asked_r, struct domm_error *err);

#endif
