/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How fast a saver sends pages, measured by its rounds. In pages and not in bytes: zero pages and
 * repetitions hardly travel (lib/migrate/transport/coding.h). Pure.
 */
#ifndef DOMM_STREAM_PACE_H
#define DOMM_STREAM_PACE_H

#include <stdbool.h>
#include <stdint.h>

/* Begin zeroed. */
struct domm_pace {
    uint64_t pages, took_ns; /* of the round that counts; took_ns 0: none */
};

/* Takes a round. Small rounds say nothing. The first round also sends all zero pages, and counts
 * only until another does; of the others, the last counts. */
void domm_pace_take(struct domm_pace *pace, uint64_t pages, uint64_t took_ns);

/* How many pages can be sent in this time; 0 if nothing was measured. */
uint64_t domm_pace_pages(const struct domm_pace *pace, unsigned int ms);

/* How long sending these pages takes, in ns, at least 1; 0 if nothing was measured. */
uint64_t domm_pace_time(const struct domm_pace *pace, uint64_t pages);

#endif
