/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/mapping/region.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/mapping/pte.h"
#include "lib/mapping/walk.h"

#define BATCH 512 /* pages mapped at once */

/*
 * A search may read so many pages, for so long. A monitor can have as many address spaces as it has
 * pages, and a search reads up to five pages of each. Linux has two for each process, of which a
 * few have anything at the address of a region.
 */
#define MOST_PAGES 32768
#define MOST_MS 500

struct table_reader {
    struct domm_hv *hv;
    uint32_t monitor;
    size_t pages_left;
    int64_t deadline_ms;
    bool exhausted; /* of either: nothing is read any more */
};

static void start_reader(struct table_reader *reader_r, struct domm_hv *hv, uint32_t monitor)
{
    *reader_r = (struct table_reader){.hv = hv,
                                      .monitor = monitor,
                                      .pages_left = MOST_PAGES,
                                      .deadline_ms = domm_now_ms() + MOST_MS};
}

static bool may_read(struct table_reader *reader, size_t count)
{
    reader->exhausted |= count > reader->pages_left || domm_now_ms() > reader->deadline_ms;
    if (reader->exhausted)
        return false;
    reader->pages_left -= count;
    return true;
}

static void read_batch(struct table_reader *reader, const uint64_t *frames, size_t count,
                       size_t offset, size_t size, unsigned char *parts_r)
{
    int errors[BATCH];
    unsigned char *pages = domm_hv_map(reader->hv, reader->monitor, frames, count, errors);
    for (size_t i = 0; pages && i < count; i++) {
        if (!errors[i])
            memcpy(parts_r + i * size, pages + i * DOMM_PAGE_SIZE + offset, size);
    }
    domm_hv_unmap(reader->hv, pages, count);
}

/* The same part of each page; zeroes of one that cannot be read. */
static void read_parts(struct table_reader *reader, const uint64_t *frames, size_t count,
                       size_t offset, size_t size, void *parts_r)
{
    unsigned char *parts = parts_r;
    memset(parts, 0, count * size);
    for (size_t i = 0, n; i < count; i += n) {
        n = count - i < BATCH ? count - i : BATCH;
        if (!may_read(reader, n))
            return;
        read_batch(reader, frames + i, n, offset, size, parts + i * size);
    }
}

static void read_entries(void *context, const uint64_t *tables, size_t count, unsigned int index,
                         uint64_t *entries_r)
{
    read_parts(context, tables, count, index * sizeof(*entries_r), sizeof(*entries_r), entries_r);
}

/* The first of at most BATCH tables whose slot 0 maps a page that begins with the nonce; `count` if
 * none does. */
static size_t find_nonce(struct table_reader *reader, const uint64_t *tables, size_t count,
                         const unsigned char *nonce)
{
    static const unsigned char unreadable[DOMM_NONCE_BYTES];
    uint64_t entries[BATCH], frames[BATCH];
    size_t at[BATCH], present = 0;
    unsigned char found[BATCH][DOMM_NONCE_BYTES];
    read_entries(reader, tables, count, 0, entries);
    for (size_t i = 0; i < count; i++) {
        if (!(entries[i] & DOMM_PTE_PRESENT))
            continue;
        at[present] = i;
        frames[present++] = domm_pte_frame(entries[i]);
    }
    read_parts(reader, frames, present, 0, DOMM_NONCE_BYTES, found);
    for (size_t i = 0; i < present; i++) {
        if (memcmp(found[i], nonce, DOMM_NONCE_BYTES) == 0 &&
            memcmp(nonce, unreadable, DOMM_NONCE_BYTES) != 0)
            return at[i];
    }
    return count;
}

/* Leaves in paths[0] the address space in which the region was found. */
static bool locate_one(struct table_reader *reader, struct domm_walk_path *paths, size_t count,
                       uint64_t *scratch, struct domm_region *region)
{
    uint64_t tables[BATCH];
    size_t found = domm_walk(read_entries, reader, region->va, paths, scratch, count);
    for (size_t i = 0, n; i < found && !reader->exhausted; i += n) {
        n = found - i < BATCH ? found - i : BATCH;
        for (size_t j = 0; j < n; j++)
            tables[j] = paths[i + j].table;
        size_t match = find_nonce(reader, tables, n, region->nonce);
        if (match == n)
            continue;
        region->l1_mfn = tables[match];
        paths[0] = paths[i + match];
        return true;
    }
    return false;
}

static size_t count_roots(const struct domm_layout *layout)
{
    size_t count = 0;
    for (size_t i = 0; i < layout->count; i++)
        count += layout->kinds[i] == DOMM_PAGE_L4;
    return count;
}

static void find_roots(const struct domm_layout *layout, struct domm_walk_path *paths)
{
    size_t count = 0;
    for (size_t i = 0; i < layout->count; i++) {
        if (layout->kinds[i] == DOMM_PAGE_L4)
            paths[count++].root = layout->mfns[i];
    }
}

/* The regions of one request are one process's: only the first is looked for in all. */
static int region_locate(struct table_reader *reader, const struct domm_layout *layout,
                         struct domm_region *regions, size_t count, size_t *found_r,
                         struct domm_error *err)
{
    size_t spaces = count_roots(layout);
    cleanup_free struct domm_walk_path *paths = calloc(spaces + 1, sizeof(*paths));
    cleanup_free uint64_t *scratch = calloc(spaces + 1, 2 * sizeof(*scratch));
    if (!paths || !scratch)
        return domm_no_memory(err);
    find_roots(layout, paths);
    struct domm_region region = regions[0];
    while (*found_r < count && locate_one(reader, paths, spaces, scratch, &region)) {
        regions[(*found_r)++] = region;
        region.va += DOMM_REGION_BYTES;
        spaces = 1;
    }
    if (!reader->exhausted)
        return 0;
    return domm_fail(err, DOMM_REFUSED,
                     "domain %u has too many address spaces to search: more than %d page tables, "
                     "or %d ms",
                     reader->monitor, MOST_PAGES, MOST_MS);
}

int domm_regions_locate(struct domm_hv *hv, uint32_t monitor, struct domm_region *regions,
                        size_t count, size_t *found_r, struct domm_error *err)
{
    struct domm_layout layout;
    *found_r = 0;
    int rc = domm_hv_layout(hv, monitor, &layout, err);
    if (rc)
        return rc;
    struct table_reader reader;
    start_reader(&reader, hv, monitor);
    rc = region_locate(&reader, &layout, regions, count, found_r, err);
    domm_hv_layout_free(hv, &layout);
    return rc;
}

int domm_region_verify(struct domm_hv *hv, uint32_t monitor, const struct domm_region *region,
                       struct domm_error *err)
{
    enum domm_page_kind kind;
    int rc = domm_hv_kind(hv, monitor, region->l1_mfn, &kind, err);
    if (rc)
        return rc;
    struct table_reader reader;
    start_reader(&reader, hv, monitor);
    if (kind == DOMM_PAGE_L1 && find_nonce(&reader, &region->l1_mfn, 1, region->nonce) == 0)
        return 0;
    return domm_fail(err, DOMM_REFUSED, "the page table of address 0x%llx has changed",
                     (unsigned long long)region->va);
}
