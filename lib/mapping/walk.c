/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/mapping/walk.h"

#include <stdlib.h>

#include "lib/mapping/pte.h"

static int by_frame(const void *a, const void *b)
{
    const uint64_t *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

static size_t distinct(uint64_t *frames, size_t count)
{
    size_t kept = 0;
    if (count)
        qsort(frames, count, sizeof(*frames), by_frame);
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || frames[i] != frames[kept - 1])
            frames[kept++] = frames[i];
    }
    return kept;
}

size_t domm_walk(domm_read_entries read, void *context, uint64_t va, uint64_t *tables,
                 uint64_t *scratch, size_t count)
{
    for (unsigned int level = 4; level > 1; level--) {
        size_t kept = 0;
        read(context, tables, count, domm_pte_index(va, level), scratch);
        for (size_t i = 0; i < count; i++) {
            if ((scratch[i] & DOMM_PTE_PRESENT) && !(scratch[i] & DOMM_PTE_LARGE))
                tables[kept++] = domm_pte_frame(scratch[i]);
        }
        count = distinct(tables, kept);
    }
    return count;
}
