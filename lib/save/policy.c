/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/save/policy.h"

/* A round that does not bring the dirty set down by an eighth is barren; after as many in
 * succession, and in any case after so many rounds, one does not go on hoping. */
#define BARREN_ROUNDS 3
#define MANY_ROUNDS 30

#define SETTLED_PAUSE_MS 300

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

int domm_policy_pause(const struct domm_policy *policy)
{
    return policy->settled ? SETTLED_PAUSE_MS : 0;
}
