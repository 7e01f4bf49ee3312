/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What domm's own programs know of a kernel besides the public interface. */
#ifndef DOMM_GUEST_KERNEL_H
#define DOMM_GUEST_KERNEL_H

#include "lib/guest/kallsyms.h"
#include "lib/guest/pagetable.h"

/* Opens the kernel whose VMCOREINFO was this page, at this physical address, in a time of trust:
 * nothing is searched for or asked of the target. -EPROTO if the page is none. */
int kernel_open_at(const struct domm_physical *physical, uint64_t address,
                   const char page[VMCOREINFO_BYTES], bool page_tables,
                   struct domm_kernel **kernel_r);

/* The page with its VMCOREINFO, as it was when it was found. */
const char *kernel_page(const struct domm_kernel *kernel);
const struct vmcoreinfo *kernel_info(const struct domm_kernel *kernel);

/* As domm_kernel_read, for reads that belong together: page tables are read once, and not followed
 * until the walker is started anew. */
void kernel_start_walker(const struct domm_kernel *kernel, struct pagetable_walker *walker_r);
int kernel_read(const struct domm_kernel *kernel, struct pagetable_walker *walker,
                uint64_t virtual_address, void *buffer, size_t size);

/* Its symbols, loaded if they are not yet. */
int kernel_symbols(struct domm_kernel *kernel, const struct kallsyms **kallsyms_r);

#endif
