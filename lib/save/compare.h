/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pre-copy of a PV guest that runs, without Xen's help: Xen without shadow paging cannot tell what
 * a PV guest writes, so each round compares all of its ordinary pages with what was sent, and sends
 * what has changed. A page is compared and sent from a copy, never from the guest's memory, which
 * changes meanwhile. Page tables are never sent before the guest has stopped.
 */
#ifndef DOMM_SAVE_COMPARE_H
#define DOMM_SAVE_COMPARE_H

#include "lib/save/shadow.h"
#include "lib/save/sink.h"
#include "lib/xen/memory.h"

struct domm_compare {
    struct domm_memory *memory; /* borrowed */
    uint32_t domid;
    struct domm_layout layout;
    struct domm_p2m_place place; /* when it began */
    struct domm_shadow *shadow;
};

int domm_compare_begin(struct domm_memory *memory, uint32_t domid, struct domm_compare *compare_r,
                       struct domm_error *err);
void domm_compare_end(struct domm_compare *compare);

/* One round, written to the sink as records of libxenguest's stream; *sent_r pages were. */
int domm_compare_round(struct domm_compare *compare, struct domm_sink *sink, uint64_t *sent_r,
                       struct domm_error *err);

/* Fails if the guest's p2m has moved since the beginning: then the stream, which says first where
 * it is, is wrong. libxenguest looks for this in live saves only. */
int domm_compare_check(const struct domm_compare *compare, struct domm_error *err);

#endif
