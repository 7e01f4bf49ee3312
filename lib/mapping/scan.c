/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/mapping/scan.h"

#include <stdlib.h>

#include "lib/base/cleanup.h"

#define BATCH 256 /* L1 tables mapped at once */

struct scanner {
    struct domm_memory *memory;
    uint32_t domm;
    struct domm_layout layout;
    const uint64_t *m2p;
    size_t m2p_count;
    struct domm_scan *scan;
    size_t room;
};

enum domm_frame_kind domm_frame_classify(uint64_t mfn, const struct domm_layout *layout,
                                         const uint64_t *m2p, size_t m2p_count)
{
    if (mfn >= m2p_count || m2p[mfn] >> 63)
        return DOMM_FRAME_NAMELESS;
    uint64_t pfn = m2p[mfn];
    if (pfn < layout->count && layout->mfns[pfn] == mfn && layout->kinds[pfn] != DOMM_PAGE_ABSENT)
        return DOMM_FRAME_OWN;
    return DOMM_FRAME_FOREIGN;
}

static int add(struct scanner *scanner, const struct domm_foreign *foreign, struct domm_error *err)
{
    struct domm_scan *scan = scanner->scan;
    if (scan->count == scanner->room) {
        size_t room = scanner->room ? 2 * scanner->room : 1024;
        struct domm_foreign *grown = realloc(scan->foreign, room * sizeof(*grown));
        if (!grown)
            return domm_no_memory(err);
        scan->foreign = grown;
        scanner->room = room;
    }
    scan->foreign[scan->count++] = *foreign;
    return 0;
}

/* What a target has given back to Xen, as a balloon does, has no gfn any more; but what maps it is
 * a mapping of ours, and keeps the page. */
static bool is_foreign(enum domm_frame_kind kind, uint64_t entry)
{
    return kind == DOMM_FRAME_FOREIGN ||
           (kind == DOMM_FRAME_NAMELESS && domm_pte_flags(entry) == DOMM_PTE_MAPPING);
}

static int read_table(struct scanner *scanner, uint64_t pfn, const uint64_t *entries,
                      struct domm_error *err)
{
    const struct domm_layout *layout = &scanner->layout;
    int rc = 0;
    for (uint32_t slot = 0; !rc && slot < DOMM_PTES; slot++) {
        if (!(entries[slot] & DOMM_PTE_PRESENT))
            continue;
        uint64_t mfn = domm_pte_frame(entries[slot]);
        enum domm_frame_kind kind =
            domm_frame_classify(mfn, layout, scanner->m2p, scanner->m2p_count);
        if (!is_foreign(kind, entries[slot]))
            scanner->scan->nameless += kind == DOMM_FRAME_NAMELESS;
        else
            rc = add(scanner,
                     &(struct domm_foreign){
                         .l1_pfn = pfn,
                         .l1_mfn = layout->mfns[pfn],
                         .slot = slot,
                         .mfn = mfn,
                         .gfn = kind == DOMM_FRAME_FOREIGN ? scanner->m2p[mfn] : DOMM_NO_FRAME,
                         .flags = domm_pte_flags(entries[slot]),
                     },
                     err);
    }
    return rc;
}

static int read_tables(struct scanner *scanner, const uint64_t *pfns, size_t count,
                       struct domm_error *err)
{
    uint64_t mfns[BATCH];
    int errors[BATCH];
    int rc = 0;
    for (size_t i = 0; i < count; i++)
        mfns[i] = scanner->layout.mfns[pfns[i]];
    uint64_t *pages = domm_memory_map(scanner->memory, scanner->domm, mfns, count, errors);
    for (size_t i = 0; !rc && i < count; i++) {
        if (!pages || errors[i])
            rc = domm_fail(err, DOMM_FAILED, "a page table of domain %u cannot be read",
                           scanner->domm);
        else
            rc = read_table(scanner, pfns[i], pages + i * DOMM_PTES, err);
    }
    domm_memory_unmap(scanner->memory, pages, count);
    return rc;
}

static int read_all(struct scanner *scanner, struct domm_error *err)
{
    uint64_t pfns[BATCH];
    size_t n = 0;
    int rc = 0;
    for (size_t pfn = 0; !rc && pfn <= scanner->layout.count; pfn++) {
        bool end = pfn == scanner->layout.count;
        if (!end && scanner->layout.kinds[pfn] == DOMM_PAGE_L1)
            pfns[n++] = pfn;
        if (n == BATCH || (end && n)) {
            rc = read_tables(scanner, pfns, n, err);
            scanner->scan->tables += n;
            n = 0;
        }
    }
    return rc;
}

/* Each page counts once, since Xen's m2p leads from it to one place of the p2m. */
static int count_hidden(struct scanner *scanner, struct domm_error *err)
{
    const struct domm_layout *layout = &scanner->layout;
    uint64_t pages, named = 0;
    int rc = domm_memory_pages(scanner->memory, scanner->domm, &pages, err);
    for (size_t pfn = 0; !rc && pfn < layout->count; pfn++) {
        uint64_t mfn = layout->mfns[pfn];
        named += layout->kinds[pfn] != DOMM_PAGE_ABSENT && mfn < scanner->m2p_count &&
                 scanner->m2p[mfn] == pfn;
    }
    scanner->scan->hidden = !rc && pages > named ? pages - named : 0;
    return rc;
}

int domm_scan(struct domm_memory *memory, uint32_t domm, struct domm_scan *scan_r,
              struct domm_error *err)
{
    struct scanner scanner = {.memory = memory, .domm = domm, .scan = scan_r};
    *scan_r = (struct domm_scan){0};
    int rc = domm_memory_m2p(memory, &scanner.m2p, &scanner.m2p_count, err);
    if (!rc)
        rc = domm_memory_layout(memory, domm, &scanner.layout, err);
    if (rc)
        return rc;
    rc = read_all(&scanner, err);
    rc = rc ? rc : count_hidden(&scanner, err);
    domm_memory_layout_free(memory, &scanner.layout);
    if (rc)
        domm_scan_free(scan_r);
    return rc;
}

void domm_scan_free(struct domm_scan *scan)
{
    free(scan->foreign);
    *scan = (struct domm_scan){0};
}
