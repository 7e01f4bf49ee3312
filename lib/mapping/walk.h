/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Page-table walking over a function that reads tables. Pure: the unit tests walk made-up ones. */
#ifndef DOMM_MAPPING_WALK_H
#define DOMM_MAPPING_WALK_H

#include <stddef.h>
#include <stdint.h>

/* Reads the entry at `index` of each table, by mfn; 0 for a table that cannot be read. */
typedef void (*domm_read_entries)(void *context, const uint64_t *tables, size_t count,
                                  unsigned int index, uint64_t *entries_r);

/*
 * The L1 tables that translate va in any of the address spaces whose L4 tables are given, each
 * once. `tables` holds the L4 tables' mfns and is overwritten with the result; `scratch` has as
 * much room. Returns how many; never more than count.
 */
size_t domm_walk(domm_read_entries read, void *context, uint64_t va, uint64_t *tables,
                 uint64_t *scratch, size_t count);

#endif
