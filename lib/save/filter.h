/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The filter behind libxenguest when it saves a stopped PV guest: it drops each ordinary page that
 * the destination has already, and passes on everything else. A page table is always passed on: the
 * destination cannot have it as it is now. A gfn may come again; its last page and type count.
 */
#ifndef DOMM_SAVE_FILTER_H
#define DOMM_SAVE_FILTER_H

#include <stdbool.h>

#include "lib/save/shadow.h"
#include "lib/save/sink.h"

struct domm_filter;

struct domm_filter_count {
    uint64_t dropped, passed; /* pages */
    uint64_t abandoned; /* gfns that were sent but are the guest's no more; they stay behind at the
                           destination as memory that the guest does not know of */
};

/* Both are borrowed. With verify, all pages are kept and sent once more behind the last, for the
 * other end to compare with what it has then; this takes as much memory as the guest has. */
int domm_filter_new(const struct domm_shadow *shadow, struct domm_sink *sink, bool verify,
                    struct domm_filter **filter_r, struct domm_error *err);
void domm_filter_free(struct domm_filter *filter); /* null is fine */

/* The next bytes of libxenguest's stream, cut anywhere. */
int domm_filter_feed(struct domm_filter *filter, const unsigned char *bytes, size_t size,
                     struct domm_error *err);

/* Whether all that comes before the pages has been passed on, so that others may write page
 * records to the sink until more is fed. */
bool domm_filter_at_pages(const struct domm_filter *filter);

const struct domm_filter_count *domm_filter_count(const struct domm_filter *filter);

#endif
