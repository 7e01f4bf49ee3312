/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/stream/stream_filter.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/xen/hv.h"

/* The kind of the next bytes. All kinds are handled as a whole, except the body of a record that is
 * passed on. */
enum part { PART_HEADERS, PART_HEAD, PART_BODY, PART_PAGES, PART_ENTRIES, PART_PAGE };

struct domm_stream_filter {
    const struct domm_shadow *shadow;
    struct domm_sink *sink;
    enum part part;
    size_t need; /* bytes of the part; of PART_BODY, bytes left */
    size_t held;
    unsigned char hold[DOMM_LIBXC_BATCH * sizeof(uint64_t)]; /* room for the longest part */
    struct domm_libxc_head head;
    size_t n_entries, next; /* entries of the record */
    uint64_t entries[DOMM_LIBXC_BATCH];
    struct domm_page_batch batch; /* the entries that are kept */
    unsigned char *pages;         /* room for the pages of a batch */
    bool at_pages;
    bool verify, verified;
    struct {
        unsigned char *bytes;
        size_t size, room;
    } replay;
    struct domm_stream_filter_count count;
};

int domm_stream_filter_new(const struct domm_shadow *shadow, struct domm_sink *sink, bool verify,
                           struct domm_stream_filter **filter_r, struct domm_error *err)
{
    struct domm_stream_filter *filter = calloc(1, sizeof(*filter));
    if (!filter)
        return domm_no_memory(err);
    filter->shadow = shadow;
    filter->sink = sink;
    filter->verify = verify;
    filter->part = PART_HEADERS;
    filter->need = DOMM_LIBXC_HEADER_BYTES;
    filter->pages = malloc((size_t)DOMM_LIBXC_BATCH * DOMM_PAGE_SIZE);
    if (!filter->pages) {
        domm_stream_filter_free(filter);
        return domm_no_memory(err);
    }
    *filter_r = filter;
    return 0;
}

void domm_stream_filter_free(struct domm_stream_filter *filter)
{
    if (!filter)
        return;
    free(filter->pages);
    free(filter->replay.bytes);
    free(filter);
}

bool domm_stream_filter_at_pages(const struct domm_stream_filter *filter)
{
    return filter->at_pages;
}

const struct domm_stream_filter_count *
domm_stream_filter_count(const struct domm_stream_filter *filter)
{
    return &filter->count;
}

static void expect(struct domm_stream_filter *filter, enum part part, size_t need)
{
    filter->part = part;
    filter->need = need;
}

static int filter_remember(struct domm_stream_filter *filter, const void *bytes, size_t size,
                           struct domm_error *err)
{
    if (!filter->verify)
        return 0;
    if (filter->replay.room - filter->replay.size < size) {
        size_t room = 2 * (filter->replay.size + size);
        unsigned char *grown = realloc(filter->replay.bytes, room);
        if (!grown)
            return domm_no_memory(err);
        filter->replay.bytes = grown;
        filter->replay.room = room;
    }
    memcpy(filter->replay.bytes + filter->replay.size, bytes, size);
    filter->replay.size += size;
    return 0;
}

/* Called before the first record after the pages: the other end must compare before it applies that
 * record. */
static int replay(struct domm_stream_filter *filter, struct domm_error *err)
{
    const struct domm_libxc_head verify = {.type = DOMM_LIBXC_VERIFY};
    if (!filter->replay.size || filter->verified)
        return 0;
    filter->verified = true;
    int rc = domm_sink_write(filter->sink, &verify, sizeof(verify), err);
    if (rc)
        return rc;
    return domm_sink_write(filter->sink, filter->replay.bytes, filter->replay.size, err);
}

static int on_head(struct domm_stream_filter *filter, const unsigned char *bytes,
                   struct domm_error *err)
{
    struct domm_libxc_head *head = &filter->head;
    memcpy(head, bytes, sizeof(*head));
    if (head->length > DOMM_LIBXC_MAX_BODY)
        return domm_fail(err, DOMM_FAILED, "libxenguest wrote a record of %" PRIu32 " bytes",
                         head->length);
    if (head->type == DOMM_LIBXC_PAGE_DATA) {
        expect(filter, PART_PAGES, sizeof(struct domm_libxc_pages));
        return filter_remember(filter, bytes, sizeof(*head), err);
    }
    int rc = replay(filter, err);
    if (rc)
        return rc;
    rc = domm_sink_write(filter->sink, bytes, sizeof(*head), err);
    if (rc)
        return rc;
    expect(filter, PART_BODY, (head->length + 7u) & ~7u);
    return 0;
}

static void end_body(struct domm_stream_filter *filter)
{
    filter->at_pages |= filter->head.type == DOMM_LIBXC_P2M_FRAMES;
    expect(filter, PART_HEAD, sizeof(struct domm_libxc_head));
}

static int on_pages(struct domm_stream_filter *filter, const unsigned char *bytes,
                    struct domm_error *err)
{
    struct domm_libxc_pages pages;
    memcpy(&pages, bytes, sizeof(pages));
    if (pages.count == 0 || pages.count > DOMM_LIBXC_BATCH)
        return domm_fail(err, DOMM_FAILED, "libxenguest wrote a batch of %" PRIu32 " pages",
                         pages.count);
    filter->n_entries = pages.count;
    expect(filter, PART_ENTRIES, pages.count * sizeof(uint64_t));
    return filter_remember(filter, bytes, sizeof(pages), err);
}

/* Takes entries without a page up to one with a page; after the last entry, writes the kept
 * batch. */
static int filter_go_on(struct domm_stream_filter *filter, struct domm_error *err)
{
    for (; filter->next < filter->n_entries; filter->next++) {
        uint64_t entry = filter->entries[filter->next];
        if (DOMM_ENTRY_TYPE(entry) < DOMM_PAGE_TYPE_BROKEN) {
            expect(filter, PART_PAGE, DOMM_PAGE_SIZE);
            return 0;
        }
        filter->count.abandoned += domm_shadow_has(filter->shadow, DOMM_ENTRY_GFN(entry));
        filter->batch.entries[filter->batch.n_entries++] = entry;
    }
    expect(filter, PART_HEAD, sizeof(struct domm_libxc_head));
    return domm_page_batch_write(&filter->batch, filter->sink, err);
}

static int on_entries(struct domm_stream_filter *filter, const unsigned char *bytes,
                      struct domm_error *err)
{
    size_t with_page = 0;
    filter->next = 0;
    memcpy(filter->entries, bytes, filter->n_entries * sizeof(uint64_t));
    for (size_t i = 0; i < filter->n_entries; i++)
        with_page += DOMM_ENTRY_TYPE(filter->entries[i]) < DOMM_PAGE_TYPE_BROKEN;
    if (filter->head.length != sizeof(struct domm_libxc_pages) +
                                   filter->n_entries * sizeof(uint64_t) +
                                   with_page * DOMM_PAGE_SIZE)
        return domm_fail(err, DOMM_FAILED, "libxenguest wrote a record of pages that is malformed");
    int rc = filter_remember(filter, bytes, filter->n_entries * sizeof(uint64_t), err);
    if (rc)
        return rc;
    return filter_go_on(filter, err);
}

static int on_page(struct domm_stream_filter *filter, const unsigned char *page,
                   struct domm_error *err)
{
    struct domm_page_batch *batch = &filter->batch;
    uint64_t entry = filter->entries[filter->next++];
    if (DOMM_ENTRY_TYPE(entry) == DOMM_PAGE_TYPE_ORDINARY &&
        domm_shadow_is(filter->shadow, DOMM_ENTRY_GFN(entry), page)) {
        filter->count.dropped++;
    } else {
        filter->count.passed++;
        batch->pages[batch->n_pages] =
            memcpy(filter->pages + batch->n_pages * DOMM_PAGE_SIZE, page, DOMM_PAGE_SIZE);
        batch->n_pages++;
        batch->entries[batch->n_entries++] = entry;
    }
    int rc = filter_remember(filter, page, DOMM_PAGE_SIZE, err);
    if (rc)
        return rc;
    return filter_go_on(filter, err);
}

static int on_part(struct domm_stream_filter *filter, const unsigned char *bytes,
                   struct domm_error *err)
{
    switch (filter->part) {
    case PART_HEADERS:
        expect(filter, PART_HEAD, sizeof(struct domm_libxc_head));
        return domm_sink_write(filter->sink, bytes, DOMM_LIBXC_HEADER_BYTES, err);
    case PART_HEAD:
        return on_head(filter, bytes, err);
    case PART_PAGES:
        return on_pages(filter, bytes, err);
    case PART_ENTRIES:
        return on_entries(filter, bytes, err);
    case PART_PAGE:
        return on_page(filter, bytes, err);
    case PART_BODY:
        break;
    }
    return 0;
}

/* Bodies are passed on as they arrive; *used_r is the number of bytes used. */
static int feed_body(struct domm_stream_filter *filter, const unsigned char *bytes, size_t size,
                     size_t *used_r, struct domm_error *err)
{
    *used_r = size < filter->need ? size : filter->need;
    int rc = domm_sink_write(filter->sink, bytes, *used_r, err);
    filter->need -= *used_r;
    return rc;
}

static int feed_part(struct domm_stream_filter *filter, const unsigned char *bytes, size_t size,
                     size_t *used_r, struct domm_error *err)
{
    if (!filter->held && size >= filter->need) {
        *used_r = filter->need;
        return on_part(filter, bytes, err);
    }
    size_t lacking = filter->need - filter->held;
    *used_r = size < lacking ? size : lacking;
    memcpy(filter->hold + filter->held, bytes, *used_r);
    filter->held += *used_r;
    if (filter->held < filter->need)
        return 0;
    filter->held = 0;
    return on_part(filter, filter->hold, err);
}

int domm_stream_filter_feed(struct domm_stream_filter *filter, const unsigned char *bytes,
                            size_t size, struct domm_error *err)
{
    int rc = 0;
    while (!rc && size) {
        size_t used;
        if (filter->part == PART_BODY)
            rc = feed_body(filter, bytes, size, &used, err);
        else
            rc = feed_part(filter, bytes, size, &used, err);
        bytes += used;
        size -= used;
        if (!rc && filter->part == PART_BODY && !filter->need)
            end_body(filter);
    }
    return rc;
}
