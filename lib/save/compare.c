/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/save/compare.h"

#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/mapping/hold.h"

/* Pages of a batch that the guest has now and uses as ordinary memory. */
struct ordinary {
    size_t count;
    uint64_t gfns[DOMM_LIBXC_BATCH];
    uint64_t mfns[DOMM_LIBXC_BATCH];
    int errors[DOMM_LIBXC_BATCH];
};

int domm_compare_begin(struct domm_memory *memory, uint32_t domid, struct domm_compare *compare_r,
                       struct domm_error *err)
{
    *compare_r = (struct domm_compare){.memory = memory, .domid = domid};
    int rc = domm_memory_p2m_place(memory, domid, &compare_r->place, err);
    if (!rc)
        rc = domm_hold_for_layout(memory, domid, &compare_r->layout, err);
    if (!rc)
        rc = domm_shadow_new(compare_r->layout.count, &compare_r->shadow, err);
    if (rc)
        domm_compare_end(compare_r);
    return rc;
}

void domm_compare_end(struct domm_compare *compare)
{
    domm_memory_layout_free(compare->memory, &compare->layout);
    domm_shadow_free(compare->shadow);
    compare->shadow = NULL;
}

/* The p2m is read once per page: the guest may write it meanwhile. */
static int find_ordinary(struct domm_compare *compare, uint64_t first, struct ordinary *ordinary,
                         struct domm_error *err)
{
    enum domm_page_kind kinds[DOMM_LIBXC_BATCH];
    uint64_t mfns[DOMM_LIBXC_BATCH];
    size_t n = compare->layout.count - first;
    n = n < DOMM_LIBXC_BATCH ? n : DOMM_LIBXC_BATCH;
    memcpy(mfns, compare->layout.mfns + first, n * sizeof(*mfns));
    int rc = domm_memory_kinds(compare->memory, compare->domid, mfns, n, kinds, err);
    ordinary->count = 0;
    for (size_t i = 0; !rc && i < n; i++) {
        if (kinds[i] != DOMM_PAGE_ORDINARY)
            continue;
        ordinary->gfns[ordinary->count] = first + i;
        ordinary->mfns[ordinary->count++] = mfns[i];
    }
    return rc;
}

/* copy: the page's place among those of the batch. */
static void compare_page(struct domm_compare *compare, uint64_t gfn, const unsigned char *page,
                         unsigned char *copy, struct domm_page_batch *batch)
{
    memcpy(copy, page, DOMM_PAGE_SIZE);
    if (!domm_shadow_note(compare->shadow, gfn, copy))
        return;
    batch->entries[batch->n_entries++] = gfn;
    batch->pages[batch->n_pages++] = copy;
}

/* A page that is gone by now is left to the next round, or to libxenguest. */
static void compare_batch(struct domm_compare *compare, struct ordinary *ordinary,
                          unsigned char *copies, struct domm_page_batch *batch)
{
    unsigned char *pages = domm_memory_map(compare->memory, compare->domid, ordinary->mfns,
                                           ordinary->count, ordinary->errors);
    for (size_t i = 0; pages && i < ordinary->count; i++) {
        if (!ordinary->errors[i])
            compare_page(compare, ordinary->gfns[i], pages + i * DOMM_PAGE_SIZE,
                         copies + batch->n_pages * DOMM_PAGE_SIZE, batch);
    }
    domm_memory_unmap(compare->memory, pages, ordinary->count);
}

int domm_compare_round(struct domm_compare *compare, struct domm_sink *sink, uint64_t *sent_r,
                       struct domm_error *err)
{
    cleanup_free struct ordinary *ordinary = calloc(1, sizeof(*ordinary));
    cleanup_free struct domm_page_batch *batch = calloc(1, sizeof(*batch));
    cleanup_free unsigned char *copies = malloc((size_t)DOMM_LIBXC_BATCH * DOMM_PAGE_SIZE);
    int rc = 0;
    *sent_r = 0;
    if (!ordinary || !batch || !copies)
        return domm_no_memory(err);
    for (uint64_t gfn = 0; !rc && gfn < compare->layout.count; gfn += DOMM_LIBXC_BATCH) {
        rc = find_ordinary(compare, gfn, ordinary, err);
        if (rc || !ordinary->count)
            continue;
        compare_batch(compare, ordinary, copies, batch);
        *sent_r += batch->n_pages;
        rc = domm_page_batch_write(batch, sink, err);
    }
    return rc;
}

int domm_compare_check(const struct domm_compare *compare, struct domm_error *err)
{
    struct domm_p2m_place now;
    int rc = domm_memory_p2m_place(compare->memory, compare->domid, &now, err);
    if (rc)
        return rc;
    if (now.frames != compare->place.frames || now.generation != compare->place.generation ||
        now.root != compare->place.root)
        return domm_fail(err, DOMM_FAILED,
                         "domain %u has moved its table of frames while it was copied",
                         compare->domid);
    return 0;
}
