/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an agent writes to xenstore about a target. */
#include "tests/fuzz/fuzz.h"

#include "lib/base/cleanup.h"
#include "lib/pair/agent_client.h"

static void check(const struct domm_claim *claim)
{
    MUST(memchr(claim->error, '\0', sizeof(claim->error)));
    MUST(memchr(claim->path, '\0', sizeof(claim->path)));
    MUST(claim->age_s >= -1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct domm_agent_answer answer;
    cleanup_free char *text = fuzz_text(data, size);
    if (!domm_agent_answer_parse(text, &answer))
        return 0;
    MUST(answer.n_monitor_vifs <= DOMM_RECORD_MAX_ITEMS);
    MUST(answer.n_storage <= DOMM_RECORD_MAX_ITEMS);
    check(&answer.memory);
    for (size_t i = 0; i < answer.n_monitor_vifs; i++)
        check(&answer.monitor_vifs[i]);
    for (size_t i = 0; i < answer.n_storage; i++)
        check(&answer.storage[i]);
    return 0;
}
