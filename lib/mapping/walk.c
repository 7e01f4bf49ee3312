/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/mapping/walk.h"

#include <stdlib.h>

#include "lib/mapping/pte.h"

static int by_table(const void *a, const void *b)
{
    const struct domm_walk_path *left = a, *right = b;
    return (left->table > right->table) - (left->table < right->table);
}

static size_t distinct(struct domm_walk_path *paths, size_t count)
{
    size_t kept = 0;
    if (count)
        qsort(paths, count, sizeof(*paths), by_table);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || paths[i].table != paths[kept - 1].table)
            paths[kept++] = paths[i];
    }
    return kept;
}

size_t domm_walk(domm_read_entries read, void *context, uint64_t va, struct domm_walk_path *paths,
                 uint64_t *scratch, size_t count)
{
    uint64_t *tables = scratch, *entries = scratch + count;
    for (size_t i = 0; i < count; i++)
        paths[i].table = paths[i].root;
    for (unsigned int level = 4; level > 1; level--) {
        size_t kept = 0;
        for (size_t i = 0; i < count; i++)
            tables[i] = paths[i].table;
        read(context, tables, count, domm_pte_index(va, level), entries);
        for (size_t i = 0; i < count; i++) {
            if ((entries[i] & DOMM_PTE_PRESENT) && !(entries[i] & DOMM_PTE_LARGE))
                paths[kept++] = (struct domm_walk_path){.root = paths[i].root,
                                                        .table = domm_pte_frame(entries[i])};
        }
        count = distinct(paths, kept);
    }
    return count;
}
