/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/stream/policy.h"

/* A round that does not shrink the dirty set by an eighth is barren. Pre-copy settles after this
 * many barren rounds in succession, and in any case after this many rounds. */
#define BARREN_ROUNDS 3
#define MANY_ROUNDS 30

/* Of a settled guest. */
#define SETTLED_PAUSE_MS 300
#define LONGEST_PAUSE_MS 5000

void domm_policy_count(struct domm_policy *policy, uint64_t dirty_pages)
{
    bool better = !policy->counts || dirty_pages < policy->least - policy->least / 8;
    policy->counts++;
    policy->barren = better ? 0 : policy->barren + 1;
    if (better)
        policy->least = dirty_pages;
    policy->converged =
        dirty_pages <= policy->enough || (policy->converged && dirty_pages / 2 <= policy->enough);
    policy->settled =
        policy->converged || policy->barren >= BARREN_ROUNDS || policy->counts >= MANY_ROUNDS;
}

int domm_policy_pause(const struct domm_policy *policy, uint64_t took_ns)
{
    uint64_t took_ms = took_ns / 1000000;
    if (!policy->settled)
        return 0;
    if (took_ms < SETTLED_PAUSE_MS)
        return SETTLED_PAUSE_MS;
    return took_ms < LONGEST_PAUSE_MS ? (int)took_ms : LONGEST_PAUSE_MS;
}
