/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's own symbol table (kernel/kallsyms.c and scripts/kallsyms.c in Linux): names are
 * sequences of tokens, addresses are 32-bit offsets.
 */
#ifndef DOMM_GUEST_KALLSYMS_H
#define DOMM_GUEST_KALLSYMS_H

#include "lib/guest/vmcoreinfo.h"

/* Where the table is read from, by virtual address: 0, or a negative errno value. */
struct kallsyms_source {
    int (*read)(const void *context, uint64_t virtual_address, void *buffer, size_t size);
    const void *context;
};

struct kallsyms;

/* -ENOTSUP if the kernel publishes none, -EPROTO if they make no sense: `_stext` has to be where
 * VMCOREINFO says. */
int kallsyms_load(const struct kallsyms_source *source, const struct vmcoreinfo *info,
                  struct kallsyms **kallsyms_r);
void kallsyms_free(struct kallsyms *kallsyms); /* null is fine */

size_t kallsyms_count(const struct kallsyms *kallsyms);

/* By place, in the order of addresses. */
void kallsyms_get(const struct kallsyms *kallsyms, size_t place, struct domm_symbol *symbol_r);

/* The place, or -ENOENT. */
ssize_t kallsyms_find(const struct kallsyms *kallsyms, const char *name);
ssize_t kallsyms_find_at(const struct kallsyms *kallsyms, uint64_t virtual_address);

#endif
