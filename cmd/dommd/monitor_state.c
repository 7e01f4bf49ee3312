/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/dommd/monitor_state.h"

#define BIT(state) (1u << (state))

static const struct {
    const char *name;
    unsigned next; /* a bit for each state that may follow */
} states[MONITOR_STATES] = {
    [MONITOR_SERVED] = {"served",
                        BIT(MONITOR_SUSPENDING) | BIT(MONITOR_SUSPENDED) | BIT(MONITOR_MIGRATING)},
    [MONITOR_SUSPENDING] = {"suspending",
                            BIT(MONITOR_SERVED) | BIT(MONITOR_SUSPENDED) | BIT(MONITOR_MIGRATING)},
    [MONITOR_SUSPENDED] = {"suspended",
                           BIT(MONITOR_SERVED) | BIT(MONITOR_SUSPENDING) | BIT(MONITOR_MIGRATING)},
    [MONITOR_MIGRATING] = {"migrating", BIT(MONITOR_SUSPENDED)},
};

const char *monitor_state_name(enum monitor_state state)
{
    return states[state].name;
}

bool monitor_state_may_become(enum monitor_state from, enum monitor_state to)
{
    return states[from].next & BIT(to);
}
