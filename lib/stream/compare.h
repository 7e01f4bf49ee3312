/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pre-copy of a running PV guest without Xen's help. Xen without shadow paging cannot track the
 * writes of a PV guest, so each round compares all of its ordinary pages with the pages sent
 * before, and sends those that have changed. A page is compared and sent from a copy, never from
 * the guest's memory, which changes meanwhile. Page tables are never sent before the guest has
 * stopped.
 */
#ifndef DOMM_STREAM_COMPARE_H
#define DOMM_STREAM_COMPARE_H

#include "lib/stream/shadow.h"
#include "lib/stream/sink.h"
#include "lib/xen/hv.h"

struct domm_compare {
    struct domm_hv *hv; /* borrowed */
    uint32_t domid;
    struct domm_layout layout;
    struct domm_p2m_location position; /* at the beginning */
    struct domm_shadow *shadow;
    struct domm_compare_room *room; /* buffers of a batch */
    uint64_t next;                  /* the gfn that the next batch begins with */
};

/* Reads the layout of the guest. domm_compare_end frees it. */
int domm_compare_begin(struct domm_hv *hv, uint32_t domid, struct domm_compare *compare_r,
                       struct domm_error *err);
void domm_compare_end(struct domm_compare *compare);

/*
 * One batch of a round, written to the sink as a record of libxenguest's stream; *sent_r pages
 * were. Returns with *more_r false after the last batch of a round; the next call begins another.
 *
 * A round may be left after any batch: nothing is lost by it. The shadow is a note per page, made
 * of the copy that this call sends, so behind each batch it is true of every page: of those behind
 * as they were sent in this round, of those ahead as in an earlier one, or that they were not sent.
 * The filter hashes each page of the stopped guest again and drops only those that equal the note.
 * A round that is left has merely sent less while the guest ran.
 */
int domm_compare_batch(struct domm_compare *compare, struct domm_sink *sink, uint64_t *sent_r,
                       bool *more_r, struct domm_error *err);

/* Fails if the guest's p2m has moved since the beginning: the location at the head of the stream is
 * wrong then. libxenguest checks this in live saves only. */
int domm_compare_check(const struct domm_compare *compare, struct domm_error *err);

#endif
