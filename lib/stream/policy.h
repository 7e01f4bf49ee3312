/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A saver's judgement of its rounds. The parent decides when the guest stops. Pure. */
#ifndef DOMM_STREAM_POLICY_H
#define DOMM_STREAM_POLICY_H

#include <stdbool.h>
#include <stdint.h>

struct domm_policy {
    /* A guest converges with at most this many dirty pages, and diverges with more than twice as
     * many: several guests must stay converged at the same time. */
    uint64_t enough;
    /* Begin zeroed. */
    uint64_t least;
    unsigned int counts, barren;
    bool converged; /* the dirty set is small now */
    bool settled;   /* converged, or more rounds will not help */
};

/* Counts a round that found this many dirty pages. */
void domm_policy_count(struct domm_policy *policy, uint64_t dirty_pages);

/* How long the guest runs before the next round, in ms, after one that took this long. The rounds
 * of a settled guest take CPU time from all guests, and from the savers that it waits for: they
 * take half of the time at most, unless they are longer than 5 s. */
int domm_policy_pause(const struct domm_policy *policy, uint64_t took_ns);

#endif
