/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a saver makes of the size of its rounds. When it stops is its parent's to say. Pure. */
#ifndef DOMM_SAVE_POLICY_H
#define DOMM_SAVE_POLICY_H

#include <stdbool.h>
#include <stdint.h>

struct domm_policy {
    /* A guest that has no more dirty pages than this has converged, and has so until it has more
     * than twice as many: several guests are to be so far at the same time. */
    uint64_t enough;
    /* Begin zeroed. */
    uint64_t least;
    unsigned int counts, barren;
    bool converged; /* the dirty set is small now */
    bool settled;   /* it is, or more rounds will not make it so */
};

/* Takes note that a round ended and found this many pages dirty. */
void domm_policy_count(struct domm_policy *policy, uint64_t dirty_pages);

/* How long to let the guest run before the next round: rounds of a guest that has settled only
 * keep it so, and take CPU time from everybody. In ms. */
int domm_policy_pause(const struct domm_policy *policy);

#endif
