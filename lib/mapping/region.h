/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Regions: the 2 MiB of a domM process's addresses, translated by one L1 table, into which frames
 * of a target are mapped. The region's first page is the nonce page: the process's own memory,
 * whose random content lets dom0 find the L1 table among all of domM's, and see that it is still
 * the same one. Everything here calls for a paused domM.
 */
#ifndef DOMM_MAPPING_REGION_H
#define DOMM_MAPPING_REGION_H

#include "lib/xen/memory.h"

#define DOMM_NONCE_BYTES 16

struct domm_region {
    uint64_t va; /* a multiple of 2 MiB */
    uint64_t l1_mfn;
    unsigned char nonce[DOMM_NONCE_BYTES];
};

/*
 * Finds the L1 tables of `count` regions, one after the other from regions[0].va on, with the
 * nonce in regions[0]; fills the array. Returns in *found_r how many were found, the first that is
 * not ends the search.
 */
int domm_regions_locate(struct domm_memory *memory, uint32_t domm, struct domm_region *regions,
                        size_t count, size_t *found_r, struct domm_error *err);

/* DOMM_REFUSED if the L1 table is no longer one, or no longer this region's. */
int domm_region_verify(struct domm_memory *memory, uint32_t domm, const struct domm_region *region,
                       struct domm_error *err);

#endif
