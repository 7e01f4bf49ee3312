/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Walking page tables of x86-64 in a memory (Intel SDM volume 3, 4.5). */
#ifndef DOMM_VMI_PAGETABLE_H
#define DOMM_VMI_PAGETABLE_H

#include "lib/vmi/domm-guest.h"

#define PAGETABLE_LEVELS 5

/* Caches the last table of each level, since walks in a row read the same tables. Use one walker
 * for a series of walks: it does not follow changes. Start with zeroes. */
struct pagetable_walker {
    const struct domm_physical *physical;
    uint64_t root;
    unsigned int levels;
    struct {
        bool valid;
        uint64_t address;
        uint64_t entries[512];
    } tables[PAGETABLE_LEVELS];
};

/* 0, -EFAULT if the address is not mapped or the tables lead out of the memory, or an error of
 * reading. *left_r: bytes to the end of the page, of whatever size, or of the memory. */
int pagetable_walk(struct pagetable_walker *walker, uint64_t virtual_address, uint64_t *address_r,
                   uint64_t *left_r);

#endif
