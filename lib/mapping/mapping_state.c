/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/mapping/mapping_state.h"

#include <inttypes.h>
#include <stdlib.h>

#define FRAME_MAX (DOMM_PTE_FRAME_BITS >> 12)

/* Flags that Linux and Xen may set in an entry for a user's read-only page: present, user,
 * accessed, dirty, global, Linux's own three bits, no-execute. */
#define FLAGS_MAY UINT64_C(0x8000000000000f65)
#define FLAGS_MUST (DOMM_PTE_PRESENT | DOMM_PTE_USER)

void domm_mapping_state_free(struct domm_mapping_state *state)
{
    free(state->runs);
    *state = (struct domm_mapping_state){0};
}

static bool mapping_state_in_range(const struct domm_mapping_state *state,
                                   const struct domm_mapping_run *run)
{
    return run->l1_pfn <= FRAME_MAX && run->gfn <= FRAME_MAX && run->count >= 1 &&
           run->count <= DOMM_PTES && run->slot <= DOMM_PTES - run->count &&
           run->gfn + run->count - 1 <= FRAME_MAX && run->target < state->n_targets &&
           (run->flags & ~FLAGS_MAY) == 0 && (run->flags & FLAGS_MUST) == FLAGS_MUST;
}

static bool is_behind(const struct domm_mapping_run *last, const struct domm_mapping_run *run)
{
    return run->l1_pfn > last->l1_pfn ||
           (run->l1_pfn == last->l1_pfn && run->slot >= last->slot + last->count);
}

static bool goes_on(const struct domm_mapping_run *last, const struct domm_mapping_run *run)
{
    return run->l1_pfn == last->l1_pfn && run->slot == last->slot + last->count &&
           run->gfn == last->gfn + last->count && run->flags == last->flags &&
           run->target == last->target && run->late == last->late;
}

/* Room doubles whenever the number of runs has reached a power of two. */
static int grow(struct domm_mapping_state *state, struct domm_error *err)
{
    size_t n = state->n_runs;
    if (n & (n - 1))
        return 0;
    struct domm_mapping_run *grown = realloc(state->runs, (n ? 2 * n : 1) * sizeof(*grown));
    if (!grown)
        return domm_no_memory(err);
    state->runs = grown;
    return 0;
}

int domm_mapping_state_add(struct domm_mapping_state *state, const struct domm_mapping_run *run,
                           struct domm_error *err)
{
    struct domm_mapping_run *last = state->n_runs ? &state->runs[state->n_runs - 1] : NULL;
    if (!mapping_state_in_range(state, run))
        return domm_fail(err, DOMM_REFUSED,
                         "the mapping state has an entry that is out of range: table 0x%" PRIx64
                         " slot %u frame 0x%" PRIx64 " flags 0x%" PRIx64,
                         run->l1_pfn, run->slot, run->gfn, run->flags);
    if (last && !is_behind(last, run))
        return domm_fail(err, DOMM_REFUSED, "the mapping state is not in order");
    if (last && goes_on(last, run)) {
        last->count = (uint16_t)(last->count + run->count);
    } else {
        int rc = grow(state, err);
        if (rc)
            return rc;
        state->runs[state->n_runs++] = *run;
    }
    state->entries += run->count;
    return 0;
}
