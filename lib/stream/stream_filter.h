/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The filter behind libxenguest when it saves a stopped PV guest: it drops each ordinary page that
 * the destination has already, and passes on everything else. A page table is always passed on,
 * since the destination cannot have its present content. A gfn may occur again; its last page and
 * type count.
 */
#ifndef DOMM_STREAM_STREAM_FILTER_H
#define DOMM_STREAM_STREAM_FILTER_H

#include <stdbool.h>

#include "lib/stream/shadow.h"
#include "lib/stream/sink.h"

struct domm_stream_filter;

struct domm_stream_filter_count {
    uint64_t dropped, passed; /* pages */
    uint64_t abandoned; /* gfns that were sent but are no longer the guest's; the destination would
                           keep them as memory that the guest does not know of */
};

/* Both are borrowed. With verify, all pages are kept and sent again after the last one, so that the
 * other end compares them with its memory; this needs as much memory as the guest has. */
int domm_stream_filter_new(const struct domm_shadow *shadow, struct domm_sink *sink, bool verify,
                           struct domm_stream_filter **filter_r, struct domm_error *err);
void domm_stream_filter_free(struct domm_stream_filter *filter); /* null is fine */

/* Takes the next bytes of libxenguest's stream, in pieces of any size. */
int domm_stream_filter_feed(struct domm_stream_filter *filter, const unsigned char *bytes,
                            size_t size, struct domm_error *err);

/* Whether everything before the pages has been passed on, so that others may write page records to
 * the sink until more bytes are fed. */
bool domm_stream_filter_at_pages(const struct domm_stream_filter *filter);

/* Counts of the pages dropped and passed on so far. */
const struct domm_stream_filter_count *
domm_stream_filter_count(const struct domm_stream_filter *filter);

#endif
