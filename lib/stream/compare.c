/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/stream/compare.h"

#include <stdlib.h>
#include <string.h>

#include "lib/mapping/pause_guard.h"

/* Pages of a batch that exist now and that the guest uses as ordinary memory. */
struct ordinary {
    size_t count;
    uint64_t gfns[DOMM_LIBXC_BATCH];
    uint64_t mfns[DOMM_LIBXC_BATCH];
    int errors[DOMM_LIBXC_BATCH];
};

struct domm_compare_room {
    struct ordinary ordinary;
    struct domm_page_batch batch;
    unsigned char copies[DOMM_LIBXC_BATCH * DOMM_PAGE_SIZE];
};

static int compare_open(struct domm_compare *compare, struct domm_error *err)
{
    int rc = domm_hv_p2m_location(compare->hv, compare->domid, &compare->position, err);
    if (rc)
        return rc;
    rc = domm_pause_guard_layout(compare->hv, compare->domid, &compare->layout, err);
    if (rc)
        return rc;
    compare->room = calloc(1, sizeof(*compare->room));
    if (!compare->room)
        return domm_no_memory(err);
    return domm_shadow_new(compare->layout.count, &compare->shadow, err);
}

int domm_compare_begin(struct domm_hv *hv, uint32_t domid, struct domm_compare *compare_r,
                       struct domm_error *err)
{
    *compare_r = (struct domm_compare){.hv = hv, .domid = domid};
    int rc = compare_open(compare_r, err);
    if (rc)
        domm_compare_end(compare_r);
    return rc;
}

void domm_compare_end(struct domm_compare *compare)
{
    domm_hv_layout_free(compare->hv, &compare->layout);
    domm_shadow_free(compare->shadow);
    free(compare->room);
    compare->shadow = NULL;
    compare->room = NULL;
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
    int rc = domm_hv_kinds(compare->hv, compare->domid, mfns, n, kinds, err);
    ordinary->count = 0;
    for (size_t i = 0; !rc && i < n; i++) {
        if (kinds[i] != DOMM_PAGE_ORDINARY)
            continue;
        ordinary->gfns[ordinary->count] = first + i;
        ordinary->mfns[ordinary->count++] = mfns[i];
    }
    return rc;
}

/* copy: the place for the page in the batch. */
static void compare_one_page(struct domm_compare *compare, uint64_t gfn, const unsigned char *page,
                             unsigned char *copy, struct domm_page_batch *batch)
{
    memcpy(copy, page, DOMM_PAGE_SIZE);
    if (!domm_shadow_note(compare->shadow, gfn, copy))
        return;
    batch->entries[batch->n_entries++] = gfn;
    batch->pages[batch->n_pages++] = copy;
}

/* A page that is gone by now is handled by the next round, or by libxenguest. */
static void compare_pages(struct domm_compare *compare)
{
    struct domm_compare_room *room = compare->room;
    struct ordinary *ordinary = &room->ordinary;
    unsigned char *pages =
        domm_hv_map(compare->hv, compare->domid, ordinary->mfns, ordinary->count, ordinary->errors);
    for (size_t i = 0; pages && i < ordinary->count; i++) {
        if (!ordinary->errors[i])
            compare_one_page(compare, ordinary->gfns[i], pages + i * DOMM_PAGE_SIZE,
                             room->copies + room->batch.n_pages * DOMM_PAGE_SIZE, &room->batch);
    }
    domm_hv_unmap(compare->hv, pages, ordinary->count);
}

int domm_compare_batch(struct domm_compare *compare, struct domm_sink *sink, uint64_t *sent_r,
                       bool *more_r, struct domm_error *err)
{
    struct domm_compare_room *room = compare->room;
    *sent_r = 0;
    int rc = find_ordinary(compare, compare->next, &room->ordinary, err);
    if (!rc && room->ordinary.count) {
        compare_pages(compare);
        *sent_r = room->batch.n_pages;
        rc = domm_page_batch_write(&room->batch, sink, err);
    }
    compare->next += DOMM_LIBXC_BATCH;
    *more_r = compare->next < compare->layout.count;
    if (!*more_r)
        compare->next = 0;
    return rc;
}

int domm_compare_check(const struct domm_compare *compare, struct domm_error *err)
{
    struct domm_p2m_location now;
    int rc = domm_hv_p2m_location(compare->hv, compare->domid, &now, err);
    if (rc)
        return rc;
    if (now.frames != compare->position.frames || now.generation != compare->position.generation ||
        now.root != compare->position.root)
        return domm_fail(err, DOMM_FAILED, "domain %u has moved its p2m while it was copied",
                         compare->domid);
    return 0;
}
