/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The interface to a kernel for domm's own programs, in addition to the public one. */
#ifndef DOMM_VMI_KERNEL_H
#define DOMM_VMI_KERNEL_H

#include "lib/vmi/kallsyms.h"
#include "lib/vmi/pagetable.h"

/* What is known about a kernel without its memory. Null: to be found there. Borrowed. */
struct kernel_given {
    const char *vmcoreinfo; /* VMCOREINFO_BYTES of them */
    const char *symbols;    /* as for kallsyms_parse */
    size_t symbols_size;
};

/* As domm_kernel_open, with what is given. Its VMCOREINFO need not be in the memory. -EINVAL if
 * the given data are malformed; -ENOENT also if they are not of the kernel in the memory. */
int kernel_open_given(const struct domm_physical *physical, const struct kernel_given *given,
                      struct domm_kernel **kernel_r);

/* Opens the kernel whose VMCOREINFO was this page, at this physical address, in a time of trust:
 * nothing is searched for or asked of the target. -EPROTO if the page is none. */
int kernel_open_at(const struct domm_physical *physical, uint64_t address,
                   const char page[VMCOREINFO_BYTES], bool page_tables,
                   struct domm_kernel **kernel_r);

/* The page with its VMCOREINFO, as found. */
const char *kernel_page(const struct domm_kernel *kernel);
const struct vmcoreinfo *kernel_info(const struct domm_kernel *kernel);

/* As domm_kernel_read, for a series of reads: page tables are read once, and changes are not
 * followed until the walker is started anew. */
void kernel_start_walker(const struct domm_kernel *kernel, struct pagetable_walker *walker_r);
int kernel_read(const struct domm_kernel *kernel, struct pagetable_walker *walker,
                uint64_t virtual_address, void *buffer, size_t size);

/* The kernel's symbols; loads them the first time. */
int kernel_symbols(struct domm_kernel *kernel, const struct kallsyms **kallsyms_r);

#endif
