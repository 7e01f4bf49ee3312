/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tells the pages in a guest's stream from all else, in the order in which its bytes come. Pure. A
 * stream that it does not understand has no pages from there on.
 */
#ifndef DOMM_STREAM_PAGE_WALK_H
#define DOMM_STREAM_PAGE_WALK_H

#include <stdbool.h>

#include "lib/stream/stream.h"

enum domm_page_walk_part {
    DOMM_PAGE_WALK_HEADERS,
    DOMM_PAGE_WALK_HEAD,    /* of a record */
    DOMM_PAGE_WALK_BODY,    /* of a record without pages */
    DOMM_PAGE_WALK_COUNT,   /* struct domm_libxc_pages */
    DOMM_PAGE_WALK_ENTRIES, /* behind it */
    DOMM_PAGE_WALK_PAGES,
    DOMM_PAGE_WALK_REST, /* behind libxenguest's stream, or not understood */
};

/* Zeroed, it is before the first byte. */
struct domm_page_walk {
    enum domm_page_walk_part part;
    uint64_t done;       /* bytes of the part */
    uint64_t size;       /* of the part; HEADERS and REST: 0 */
    uint64_t page_bytes; /* behind the entries */
    struct domm_libxc_head head;
    unsigned char hold[DOMM_LIBXL_BEGIN_BYTES]; /* what a part begins with */
};

/* How many of the next bytes are of one kind, at least one; *pages_r: pages, or a piece of one. */
size_t domm_page_walk_next(struct domm_page_walk *walk, const unsigned char *bytes, size_t size,
                           bool *pages_r);

/* Whether the next byte is one of a page. */
bool domm_page_walk_at_page(const struct domm_page_walk *walk);

#endif
