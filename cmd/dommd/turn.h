/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The turns of a monitor, and what else its timers do. */
#ifndef DOMM_DOMMD_TURN_H
#define DOMM_DOMMD_TURN_H

#include "cmd/dommd/monitor.h"

/* Makes its timers; the first turn is to come. */
int monitor_timers_add(struct monitor *monitor, struct domm_error *err);

/* The node of that watch has changed. */
void monitor_watch_event(struct monitor *monitor, enum monitor_watch watch);

#endif
