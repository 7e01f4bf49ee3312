/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/vmi/pagetable.h"

#include <errno.h>

#define PRESENT (UINT64_C(1) << 0)
#define LARGE (UINT64_C(1) << 7)
#define ADDRESS UINT64_C(0x000ffffffffff000)

/* The highest level whose entries may map a page: 1 GiB. */
#define LARGEST 3

static bool is_canonical(uint64_t address, unsigned int levels)
{
    uint64_t top = address >> (11 + 9 * levels);
    return top == 0 || top == UINT64_MAX >> (11 + 9 * levels);
}

static int pagetable_get_entry(struct pagetable_walker *walker, unsigned int level, uint64_t table,
                               unsigned int position, uint64_t *entry_r)
{
    const struct domm_physical *physical = walker->physical;
    if (table / DOMM_VMI_PAGE >= physical->frames)
        return -EFAULT;
    if (!walker->tables[level - 1].valid || walker->tables[level - 1].address != table) {
        walker->tables[level - 1].valid = false;
        int rc = physical->read(physical->context, table, walker->tables[level - 1].entries,
                                DOMM_VMI_PAGE);
        if (rc)
            return rc;
        walker->tables[level - 1].valid = true;
        walker->tables[level - 1].address = table;
    }
    *entry_r = walker->tables[level - 1].entries[position];
    return 0;
}

/* Each step goes one level down, so that self-referencing tables cannot cause an endless loop. */
int pagetable_walk(struct pagetable_walker *walker, uint64_t virtual_address, uint64_t *address_r,
                   uint64_t *left_r)
{
    uint64_t table = walker->root & ADDRESS;
    if (walker->levels < 4 || walker->levels > PAGETABLE_LEVELS ||
        !is_canonical(virtual_address, walker->levels))
        return -EFAULT;
    for (unsigned int level = walker->levels; level; level--) {
        unsigned int shift = 3 + 9 * level;
        uint64_t entry;
        int rc = pagetable_get_entry(walker, level, table, virtual_address >> shift & 511, &entry);
        if (rc)
            return rc;
        if (!(entry & PRESENT) || (entry & LARGE && level > LARGEST))
            return -EFAULT;
        table = entry & ADDRESS;
        if (level > 1 && !(entry & LARGE))
            continue;
        uint64_t within = (UINT64_C(1) << shift) - 1;
        uint64_t address = (table & ~within) | (virtual_address & within);
        if (address / DOMM_VMI_PAGE >= walker->physical->frames)
            return -EFAULT;
        uint64_t left = within + 1 - (virtual_address & within);
        uint64_t end = walker->physical->frames * DOMM_VMI_PAGE;
        *address_r = address;
        *left_r = left < end - address ? left : end - address;
        return 0;
    }
    return -EFAULT;
}
