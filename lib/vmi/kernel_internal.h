/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by the files kernel*.c only. */
#ifndef DOMM_VMI_KERNEL_INTERNAL_H
#define DOMM_VMI_KERNEL_INTERNAL_H

#include "lib/vmi/kernel.h"

struct domm_kernel {
    struct domm_physical physical;
    struct vmcoreinfo info;
    struct domm_kernel_facts facts;
    struct kallsyms *kallsyms; /* null until first used */
    uint64_t *work;            /* what reading the symbols may take; null: no limit */
    char page[VMCOREINFO_BYTES];
};

/* Translates by the image's load address, independent of the page tables. -EFAULT: not in it. */
int kernel_translate_image(const struct domm_kernel *kernel, uint64_t virtual_address,
                           uint64_t *address_r, uint64_t *left_r);

#endif
