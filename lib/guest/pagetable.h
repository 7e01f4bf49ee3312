/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Walking page tables of x86-64 in a memory (Intel SDM volume 3, 4.5). */
#ifndef DOMM_GUEST_PAGETABLE_H
#define DOMM_GUEST_PAGETABLE_H

#include "lib/guest/domm-guest.h"

#define PAGETABLE_LEVELS 5

/* One walk after another asks for the same tables: the last of each level is kept. Use one for
 * walks that belong together, and then another: it does not follow changes. Start with zeroes. */
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

/* 0, -EFAULT if nothing is mapped there or the tables lead out of the memory, or what reading fails
 * with. *left_r: bytes to the end of the page, of whatever size, or of the
 * memory. */
int pagetable_walk(struct pagetable_walker *walker, uint64_t virtual_address, uint64_t *address_r,
                   uint64_t *left_r);

#endif
