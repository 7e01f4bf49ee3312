/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The states of a monitor that dommd serves. Pure. */
#ifndef DOMM_DOMMD_MONITOR_STATE_H
#define DOMM_DOMMD_MONITOR_STATE_H

#include <stdbool.h>

enum monitor_state {
    /* Its processes' requests are served. */
    MONITOR_SERVED,

    /* Another toolstack may be about to suspend it: its mappings were taken back and its channels
     * closed. It is served again if it has not been suspended after a while. */
    MONITOR_SUSPENDING,

    /* It is suspended, as far as the last inventory says. It cannot claim what it maps, so that
     * nothing is reclaimed. */
    MONITOR_SUSPENDED,

    /* domm migrates it, and holds the lock on its page tables from before its suspend until it
     * runs again or has gone. dommd touches neither its mappings nor its channels. */
    MONITOR_MIGRATING,

    MONITOR_STATES
};

/* A word for the log. */
const char *monitor_state_name(enum monitor_state state);

/*
 * Whether a monitor may go from one state to another:
 *
 *     served      -> suspending   it is asked to suspend
 *     suspending  -> served       it has not been suspended
 *     suspended   -> served       an inventory shows that it runs
 *     suspended   -> suspending   it was resumed and is asked again, before an inventory shows it
 *     served, suspending -> suspended     an inventory shows it
 *     all others  -> migrating    its lock is taken
 *     migrating   -> suspended    its lock is free; the next inventory tells whether it runs
 *
 * While it is migrating, dommd holds DOMM_LOCK_SEEN (lib/pair/locks.h).
 */
bool monitor_state_may_become(enum monitor_state from, enum monitor_state to);

#endif
