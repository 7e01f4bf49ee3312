/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A mapping state, which a peer sends and a journal keeps. */
#include "tests/fuzz/fuzz.h"

#include "lib/base/cleanup.h"
#include "lib/mapping/mapping_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct domm_error err;
    cleanup_mapping_state struct domm_mapping_state state = {0};
    cleanup_free unsigned char *again = NULL;
    size_t again_size, entries = 0;
    if (domm_mapping_state_decode(data, size, &state, &err)) {
        MUST(err.code == DOMM_REFUSED);
        return 0;
    }
    for (size_t i = 0; i < state.n_runs; i++) {
        const struct domm_mapping_run *run = &state.runs[i];
        MUST(run->count && run->count <= DOMM_PTES - run->slot && run->target < state.n_targets);
        MUST(!(run->flags & DOMM_PTE_WRITABLE));
        entries += run->count;
    }
    MUST(entries == state.entries);
    MUST(domm_mapping_state_encode(&state, &again, &again_size, &err) == 0);
    MUST(again_size == size && memcmp(again, data, size) == 0);
    return 0;
}
