/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by the files kallsyms*.c only. */
#ifndef DOMM_VMI_KALLSYMS_INTERNAL_H
#define DOMM_VMI_KALLSYMS_INTERNAL_H

#include "lib/vmi/kallsyms.h"

/* Debian's kernels have a hundred thousand symbols, in 1.5 MB. */
#define KALLSYMS_MAX_SYMBOLS (1u << 20)
#define KALLSYMS_MAX_NAMES (32u << 20)
#define KALLSYMS_TOKENS 256u
#define KALLSYMS_MAX_TOKENS_BYTES (65536u + DOMM_SYMBOL_LENGTH)

/* How often loops over symbols pay for their work. */
#define KALLSYMS_STRIDE 4096u

/* A unit of work is about what a symbol takes. Work is counted instead of timed, so that a slow or
 * busy host finds what a fast one does. */
#define KALLSYMS_PAGE_WORK 16u

#define KALLSYMS_STEXT "_stext"

struct kallsyms_symbol {
    uint64_t address;
    uint32_t name;     /* offset in names */
    uint32_t position; /* position in the table: of several at one address, Linux names the first */
};

struct kallsyms {
    size_t count;
    struct kallsyms_symbol *symbols; /* sorted by address once it is complete */
    unsigned char *names;            /* for each: its length in tokens, and the tokens */
    size_t names_length;
    char tokens[KALLSYMS_MAX_TOKENS_BYTES];
    uint16_t token_index[KALLSYMS_TOKENS];
};

/* Gets one name's length in tokens, and their position; false at the end of the names. */
bool kallsyms_entry(const struct kallsyms *kallsyms, size_t at, size_t *tokens_r, size_t *begin_r);

/* The last step of making a table. */
void kallsyms_sort(struct kallsyms *kallsyms);

/* Finds the table of a kernel that does not publish where it is, from the beginning of its text.
 * -ENOTSUP if it is not found. */
int kallsyms_search(const struct kallsyms_source *source, uint64_t stext,
                    struct kallsyms_addresses *addresses_r);

/* Pays for work that is about to be done. False if the rest does not suffice. */
static inline bool kallsyms_spend(const struct kallsyms_source *source, uint64_t units)
{
    if (!source->work)
        return true;
    bool suffices = *source->work >= units;
    *source->work -= suffices ? units : *source->work;
    return suffices;
}

/* The same for reading so many bytes. */
static inline bool kallsyms_spend_bytes(const struct kallsyms_source *source, size_t size)
{
    return kallsyms_spend(source, (size / DOMM_VMI_PAGE + 1) * KALLSYMS_PAGE_WORK);
}

#endif
