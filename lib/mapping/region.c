/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/mapping/region.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/mapping/pte.h"
#include "lib/mapping/walk.h"

struct reader {
    struct domm_memory *memory;
    uint32_t domm;
    int *errors; /* room for as many tables as are ever read at once */
};

static void read_entries(void *context, const uint64_t *tables, size_t count, unsigned int index,
                         uint64_t *entries_r)
{
    struct reader *reader = context;
    memset(entries_r, 0, count * sizeof(*entries_r));
    if (!count)
        return;
    const uint64_t *pages = domm_memory_map(reader->memory, reader->domm, tables, count,
                                            reader->errors);
    if (!pages)
        return;
    for (size_t i = 0; i < count; i++) {
        if (!reader->errors[i])
            entries_r[i] = pages[i * DOMM_PTES + index];
    }
    domm_memory_unmap(reader->memory, (void *)(uintptr_t)pages, count);
}

/* Whether the page that slot 0 maps begins with the nonce. */
static bool has_nonce(struct reader *reader, uint64_t l1_mfn, const unsigned char *nonce)
{
    uint64_t pte;
    read_entries(reader, &l1_mfn, 1, 0, &pte);
    if (!(pte & DOMM_PTE_PRESENT))
        return false;
    uint64_t frame = domm_pte_frame(pte);
    void *page = domm_memory_map(reader->memory, reader->domm, &frame, 1, reader->errors);
    bool same = page && !reader->errors[0] && memcmp(page, nonce, DOMM_NONCE_BYTES) == 0;
    domm_memory_unmap(reader->memory, page, 1);
    return same;
}

static bool locate_one(struct reader *reader, const uint64_t *roots, size_t n_roots,
                       uint64_t *tables, uint64_t *scratch, struct domm_region *region)
{
    memcpy(tables, roots, n_roots * sizeof(*roots));
    size_t found = domm_walk(read_entries, reader, region->va, tables, scratch, n_roots);
    for (size_t i = 0; i < found; i++) {
        region->l1_mfn = tables[i];
        if (has_nonce(reader, tables[i], region->nonce))
            return true;
    }
    return false;
}

static size_t find_roots(const struct domm_layout *layout, uint64_t *roots)
{
    size_t count = 0;
    for (size_t i = 0; i < layout->count; i++) {
        if (layout->kinds[i] == DOMM_PAGE_L4)
            roots[count++] = layout->mfns[i];
    }
    return count;
}

static int locate(struct reader *reader, const struct domm_layout *layout,
                  struct domm_region *regions, size_t count, size_t *found_r,
                  struct domm_error *err)
{
    cleanup_free uint64_t *roots = calloc(layout->count, sizeof(*roots));
    if (!roots)
        return domm_no_memory(err);
    size_t n_roots = find_roots(layout, roots);
    cleanup_free uint64_t *tables = calloc(2 * n_roots + 1, sizeof(*tables));
    cleanup_free int *errors = calloc(n_roots + 1, sizeof(*errors));
    if (!tables || !errors)
        return domm_no_memory(err);
    reader->errors = errors;
    struct domm_region region = regions[0];
    for (*found_r = 0; *found_r < count; region.va += DOMM_REGION_BYTES) {
        if (!locate_one(reader, roots, n_roots, tables, tables + n_roots, &region))
            break;
        regions[(*found_r)++] = region;
    }
    return 0;
}

int domm_regions_locate(struct domm_memory *memory, uint32_t domm, struct domm_region *regions,
                        size_t count, size_t *found_r, struct domm_error *err)
{
    struct domm_layout layout;
    *found_r = 0;
    int rc = domm_memory_layout(memory, domm, &layout, err);
    if (rc)
        return rc;
    struct reader reader = {.memory = memory, .domm = domm};
    rc = locate(&reader, &layout, regions, count, found_r, err);
    domm_memory_layout_free(memory, &layout);
    return rc;
}

int domm_region_verify(struct domm_memory *memory, uint32_t domm, const struct domm_region *region,
                       struct domm_error *err)
{
    int error;
    struct reader reader = {.memory = memory, .domm = domm, .errors = &error};
    enum domm_page_kind kind;
    int rc = domm_memory_kind(memory, domm, region->l1_mfn, &kind, err);
    if (rc)
        return rc;
    if (kind == DOMM_PAGE_L1 && has_nonce(&reader, region->l1_mfn, region->nonce))
        return 0;
    return domm_fail(err, DOMM_REFUSED, "the page table of address 0x%llx has changed",
                     (unsigned long long)region->va);
}
