/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's symbols: from its own table in the memory (kernel/kallsyms.c and scripts/kallsyms.c
 * in Linux 5.10 to 7.0), where names are sequences of tokens, or from a text that was given by
 * hand.
 */
#ifndef DOMM_VMI_KALLSYMS_H
#define DOMM_VMI_KALLSYMS_H

#include "lib/vmi/vmcoreinfo.h"

/* Reads the table by virtual address: 0, or a negative errno value. */
struct kallsyms_source {
    int (*read)(const void *context, uint64_t virtual_address, void *buffer, size_t size);
    const void *context;
    uint64_t *work; /* units that may still be spent (kallsyms_internal.h); null: no limit */
};

struct kallsyms;

/* -ENOTSUP if the kernel does not publish where they are, and they are not found, -EPROTO if they
 * are malformed: `_stext` must be where VMCOREINFO says. -ETIMEDOUT if the work does not suffice.
 */
int kallsyms_load(const struct kallsyms_source *source, const struct vmcoreinfo *info,
                  struct kallsyms **kallsyms_r);

/*
 * From lines "ADDRESS TYPE NAME", as System.map and /proc/kallsyms have them; modules' are left
 * out. System.map has the addresses of an image that was not moved: they are moved by VMCOREINFO's
 * KERNELOFFSET. -EINVAL if the text is none of these or has no `_stext`, -EPROTO if its `_stext` is
 * not this kernel's.
 */
int kallsyms_parse(const char *text, size_t size, const struct vmcoreinfo *info,
                   struct kallsyms **kallsyms_r);

void kallsyms_free(struct kallsyms *kallsyms); /* null is fine */

/* The number of symbols. */
size_t kallsyms_count(const struct kallsyms *kallsyms);

/* A symbol by index, in the order of addresses. */
void kallsyms_get(const struct kallsyms *kallsyms, size_t position, struct domm_symbol *symbol_r);

/* The index, or -ENOENT. */
ssize_t kallsyms_find(const struct kallsyms *kallsyms, const char *name);
ssize_t kallsyms_find_at(const struct kallsyms *kallsyms, uint64_t virtual_address);

#endif
