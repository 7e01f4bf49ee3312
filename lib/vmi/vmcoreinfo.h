/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * VMCOREINFO: facts about itself that Linux publishes for readers of its memory from outside, as
 * lines KEY=VALUE in a page of their own (Documentation/admin-guide/kdump/vmcoreinfo.rst in Linux).
 * Only the keys that lead to its page tables and symbols are read.
 */
#ifndef DOMM_VMI_VMCOREINFO_H
#define DOMM_VMI_VMCOREINFO_H

#include "lib/vmi/domm-guest.h"

/* Where Linux maps its image. */
#define KERNEL_MAP UINT64_C(0xffffffff80000000)
#define KERNEL_MAP_SIZE (UINT64_C(1) << 30)

/* Virtual addresses. All 0 if the kernel does not publish them. */
struct kallsyms_addresses {
    uint64_t names, num_syms, token_table, token_index;
    uint64_t offsets, relative_base; /* no base since Linux 7.0 */
    uint64_t addresses;              /* instead of both, if they are absolute */
};

struct vmcoreinfo {
    char release[66];
    uint64_t kaslr_offset;
    int64_t phys_base;
    uint64_t page_table; /* virtual */
    uint64_t stext;
    bool five_levels;
    struct kallsyms_addresses kallsyms;
};

#define VMCOREINFO_BYTES DOMM_VMI_PAGE

/*
 * Parses the page's text. False if a key is missing or occurs twice, a value is not a number or is
 * outside the kernel's image, or the release is not printable: then this is no VMCOREINFO.
 */
bool vmcoreinfo_parse(const char page[VMCOREINFO_BYTES], struct vmcoreinfo *info_r);

/*
 * Finds the next page at or after *address that parses as VMCOREINFO; sets *address to it. -ENOENT
 * if there is none.
 */
int vmcoreinfo_next(const struct domm_physical *physical, uint64_t *address,
                    struct vmcoreinfo *info_r);

#endif
