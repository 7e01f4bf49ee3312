/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Regions: the 2 MiB of a monitor process's addresses, translated by one L1 table, into which
 * frames of a target are mapped. The region's first page is the nonce page: the process's own
 * memory, whose random content lets dom0 find the L1 table among all of the monitor's, and see that
 * it is still the same one. Everything here calls for a paused monitor.
 */
#ifndef DOMM_MAPPING_REGION_H
#define DOMM_MAPPING_REGION_H

#include "lib/xen/hv.h"

#define DOMM_NONCE_BYTES 16

struct domm_region {
    uint64_t va; /* a multiple of 2 MiB */
    uint64_t l1_mfn;
    unsigned char nonce[DOMM_NONCE_BYTES];
};

/*
 * Finds the L1 tables of `count` regions, one after the other from regions[0].va on, with the
 * nonce in regions[0], in one address space of the monitor; fills the array. Returns in *found_r
 * how many were found, the first that is not ends the search. DOMM_REFUSED if the monitor has more
 * page tables than may be read, or reading them takes too long: it can make as many as it likes,
 * and the caller serves others.
 */
int domm_regions_locate(struct domm_hv *hv, uint32_t monitor, struct domm_region *regions,
                        size_t count, size_t *found_r, struct domm_error *err);

/* DOMM_REFUSED if the page is no longer an L1 table, or no longer this region's. */
int domm_region_verify(struct domm_hv *hv, uint32_t monitor, const struct domm_region *region,
                       struct domm_error *err);

#endif
