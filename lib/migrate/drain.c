/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/migrate/drain.h"

void domm_drain_begin(struct domm_drain *drain_r, uint64_t balance, int64_t now_ms)
{
    *drain_r = (struct domm_drain){.balance = balance, .began_ms = now_ms, .since_ms = now_ms};
}

int64_t domm_drain_count(struct domm_drain *drain, uint64_t balance, int64_t now_ms)
{
    if (balance != drain->balance) {
        drain->balance = balance;
        drain->since_ms = now_ms;
    }
    int64_t quiet_ms = now_ms - drain->since_ms;
    if (quiet_ms >= DOMM_DRAIN_QUIET_MS || now_ms - drain->began_ms >= DOMM_DRAIN_LIMIT_MS)
        return 0;
    return DOMM_DRAIN_QUIET_MS - quiet_ms;
}
