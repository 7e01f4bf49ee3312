/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/mapping/scan.h"

#include <errno.h>
#include <stdlib.h>

#include "lib/base/cleanup.h"

#define BATCH 256 /* L1 tables mapped at once */

struct scanner {
    struct domm_hv *hv;
    uint32_t monitor;
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

static int scan_add(struct scanner *scanner, const struct domm_foreign *foreign,
                    struct domm_error *err)
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

/*
 * A frame without a gfn is Xen's in the monitor (its shared_info, its grant table), or one that a
 * target has released or says to have released, and that the entry keeps. The flags of the entry do
 * not tell, since Xen lets the monitor change most of them. What belongs to the monitor can be
 * mapped as such (get_page_from_l1e, xen/arch/x86/mm.c).
 */
static int scan_ask_owner(const struct scanner *scanner, const uint64_t *mfns, size_t count,
                          bool *own_r, struct domm_error *err)
{
    int errors[DOMM_PTES], rc = 0;
    if (!count)
        return 0;
    void *pages = domm_hv_map(scanner->hv, scanner->monitor, mfns, count, errors);
    for (size_t i = 0; !rc && i < count; i++) {
        own_r[i] = pages && errors[i] == 0;
        if (!pages || (errors[i] && errors[i] != EINVAL && errors[i] != EPERM))
            rc = domm_fail(err, DOMM_FAILED, "asking for the owner of a frame that domain %u maps",
                           scanner->monitor);
    }
    domm_hv_unmap(scanner->hv, pages, count);
    return rc;
}

/* Classifies the entries of a table. A nameless frame that is not the monitor's is foreign, without
 * a gfn. */
static int scan_classify(const struct scanner *scanner, const uint64_t *entries,
                         enum domm_frame_kind kinds_r[DOMM_PTES], struct domm_error *err)
{
    uint64_t mfns[DOMM_PTES] = {0};
    uint32_t slots[DOMM_PTES];
    bool own[DOMM_PTES];
    size_t count = 0;
    for (uint32_t slot = 0; slot < DOMM_PTES; slot++) {
        uint64_t mfn = domm_pte_frame(entries[slot]);
        kinds_r[slot] = DOMM_FRAME_OWN;
        if (entries[slot] & DOMM_PTE_PRESENT)
            kinds_r[slot] =
                domm_frame_classify(mfn, &scanner->layout, scanner->m2p, scanner->m2p_count);
        if (kinds_r[slot] != DOMM_FRAME_NAMELESS)
            continue;
        slots[count] = slot;
        mfns[count++] = mfn;
    }
    int rc = scan_ask_owner(scanner, mfns, count, own, err);
    for (size_t i = 0; !rc && i < count; i++)
        kinds_r[slots[i]] = own[i] ? DOMM_FRAME_NAMELESS : DOMM_FRAME_FOREIGN;
    return rc;
}

static uint64_t scan_gfn(const struct scanner *scanner, uint64_t mfn)
{
    bool named = mfn < scanner->m2p_count && !(scanner->m2p[mfn] >> 63);
    return named ? scanner->m2p[mfn] : DOMM_NO_FRAME;
}

static int read_table(struct scanner *scanner, uint64_t pfn, const uint64_t *entries,
                      struct domm_error *err)
{
    enum domm_frame_kind kinds[DOMM_PTES];
    int rc = scan_classify(scanner, entries, kinds, err);
    for (uint32_t slot = 0; !rc && slot < DOMM_PTES; slot++) {
        uint64_t mfn = domm_pte_frame(entries[slot]);
        scanner->scan->nameless += kinds[slot] == DOMM_FRAME_NAMELESS;
        if (kinds[slot] == DOMM_FRAME_FOREIGN)
            rc = scan_add(scanner,
                          &(struct domm_foreign){
                              .l1_pfn = pfn,
                              .l1_mfn = scanner->layout.mfns[pfn],
                              .slot = slot,
                              .mfn = mfn,
                              .gfn = scan_gfn(scanner, mfn),
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
    uint64_t *pages = domm_hv_map(scanner->hv, scanner->monitor, mfns, count, errors);
    for (size_t i = 0; !rc && i < count; i++) {
        if (!pages || errors[i])
            rc = domm_fail(err, DOMM_FAILED, "a page table of domain %u cannot be read",
                           scanner->monitor);
        else
            rc = read_table(scanner, pfns[i], pages + i * DOMM_PTES, err);
    }
    domm_hv_unmap(scanner->hv, pages, count);
    return rc;
}

static int scan_read_all(struct scanner *scanner, struct domm_error *err)
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
    int rc = domm_hv_pages(scanner->hv, scanner->monitor, &pages, err);
    for (size_t pfn = 0; !rc && pfn < layout->count; pfn++) {
        uint64_t mfn = layout->mfns[pfn];
        named += layout->kinds[pfn] != DOMM_PAGE_ABSENT && mfn < scanner->m2p_count &&
                 scanner->m2p[mfn] == pfn;
    }
    scanner->scan->hidden = !rc && pages > named ? pages - named : 0;
    return rc;
}

static int scan_read_and_count(struct scanner *scanner, struct domm_error *err)
{
    int rc = scan_read_all(scanner, err);
    if (rc)
        return rc;
    return count_hidden(scanner, err);
}

int domm_scan(struct domm_hv *hv, uint32_t monitor, struct domm_scan *scan_r,
              struct domm_error *err)
{
    struct scanner scanner = {.hv = hv, .monitor = monitor, .scan = scan_r};
    *scan_r = (struct domm_scan){0};
    int rc = domm_hv_m2p(hv, &scanner.m2p, &scanner.m2p_count, err);
    if (rc)
        return rc;
    rc = domm_hv_layout(hv, monitor, &scanner.layout, err);
    if (rc)
        return rc;
    rc = scan_read_and_count(&scanner, err);
    domm_hv_layout_free(hv, &scanner.layout);
    if (rc)
        domm_scan_free(scan_r);
    return rc;
}

void domm_scan_free(struct domm_scan *scan)
{
    free(scan->foreign);
    *scan = (struct domm_scan){0};
}
