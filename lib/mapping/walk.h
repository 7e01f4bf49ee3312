/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Page-table walking over a function that reads tables. Pure: the unit tests walk made-up ones. */
#ifndef DOMM_MAPPING_WALK_H
#define DOMM_MAPPING_WALK_H

#include <stddef.h>
#include <stdint.h>

/* Reads the entry at `index` of each table, by mfn; 0 for a table that cannot be read. */
typedef void (*domm_read_entries)(void *context, const uint64_t *tables, size_t count,
                                  unsigned int index, uint64_t *entries_r);

/* An address space, by its L4 table, and the table that a walk has come to in it. */
struct domm_walk_path {
    uint64_t root, table;
};

/*
 * Finds the L1 tables that translate va in any of the address spaces, each once: paths holds them
 * with their roots, and is overwritten with the L1 tables; of the address spaces that share one,
 * any is named. `scratch` has room for 2 * count. Returns the number of L1 tables, at most count.
 */
size_t domm_walk(domm_read_entries read, void *context, uint64_t va, struct domm_walk_path *paths,
                 uint64_t *scratch, size_t count);

#endif
