/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/stream/page_walk.h"

#include <string.h>

#include "lib/xen/hv.h"

#define END_RECORD 0u

static void enter(struct domm_page_walk *walk, enum domm_page_walk_part part, uint64_t size)
{
    walk->part = part;
    walk->size = size;
    walk->done = 0;
}

static void enter_record(struct domm_page_walk *walk)
{
    const struct domm_libxc_head *head = &walk->head;
    memcpy(&walk->head, walk->hold, sizeof(walk->head));
    if (head->type == END_RECORD)
        enter(walk, DOMM_PAGE_WALK_REST, 0);
    else if (head->type == DOMM_LIBXC_PAGE_DATA)
        enter(walk, DOMM_PAGE_WALK_COUNT, sizeof(struct domm_libxc_pages));
    else if (head->length)
        enter(walk, DOMM_PAGE_WALK_BODY, ((uint64_t)head->length + 7) & ~UINT64_C(7));
    else
        enter(walk, DOMM_PAGE_WALK_HEAD, sizeof(walk->head));
}

static void enter_entries(struct domm_page_walk *walk)
{
    struct domm_libxc_pages pages;
    memcpy(&pages, walk->hold, sizeof(pages));
    uint64_t entry_bytes = pages.count * sizeof(uint64_t);
    uint64_t before = sizeof(pages) + entry_bytes;
    walk->page_bytes = walk->head.length - before;
    if (!pages.count || pages.count > DOMM_LIBXC_BATCH || walk->head.length < before ||
        walk->page_bytes % DOMM_PAGE_SIZE)
        enter(walk, DOMM_PAGE_WALK_REST, 0);
    else
        enter(walk, DOMM_PAGE_WALK_ENTRIES, entry_bytes);
}

static void leave_part(struct domm_page_walk *walk)
{
    switch (walk->part) {
    case DOMM_PAGE_WALK_HEADERS:
        if (memcmp(walk->hold, domm_libxl_begin, sizeof(domm_libxl_begin)) != 0)
            enter(walk, DOMM_PAGE_WALK_REST, 0);
        else
            enter(walk, DOMM_PAGE_WALK_HEAD, sizeof(walk->head));
        return;
    case DOMM_PAGE_WALK_HEAD:
        enter_record(walk);
        return;
    case DOMM_PAGE_WALK_COUNT:
        enter_entries(walk);
        return;
    case DOMM_PAGE_WALK_ENTRIES:
        if (walk->page_bytes) {
            enter(walk, DOMM_PAGE_WALK_PAGES, walk->page_bytes);
            return;
        }
        break;
    default:
        break;
    }
    enter(walk, DOMM_PAGE_WALK_HEAD, sizeof(walk->head));
}

size_t domm_page_walk_next(struct domm_page_walk *walk, const unsigned char *bytes, size_t size,
                           bool *pages_r)
{
    *pages_r = walk->part == DOMM_PAGE_WALK_PAGES;
    if (walk->part == DOMM_PAGE_WALK_REST)
        return size;
    if (walk->part == DOMM_PAGE_WALK_HEADERS)
        walk->size = DOMM_LIBXL_BEGIN_BYTES + DOMM_LIBXC_HEADER_BYTES;
    uint64_t left = walk->size - walk->done;
    size_t taken = size < left ? size : (size_t)left;
    if (walk->done < sizeof(walk->hold)) {
        size_t room = sizeof(walk->hold) - (size_t)walk->done;
        memcpy(walk->hold + walk->done, bytes, taken < room ? taken : room);
    }
    walk->done += taken;
    if (walk->done == walk->size)
        leave_part(walk);
    return taken;
}

bool domm_page_walk_at_page(const struct domm_page_walk *walk)
{
    return walk->part == DOMM_PAGE_WALK_PAGES;
}
