/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Taking stock of a target's pages: how many it owns, how many of them are mapped, and where the
 * others are. */
#ifndef DOMM_DOMMD_STOCK_H
#define DOMM_DOMMD_STOCK_H

#include "cmd/dommd/monitor.h"

struct followed;

/* Has the target's pages searched for at once, if some are not seen. */
void stock_search_soon(struct followed *followed);

/*
 * Counts what is seen of a target, whose owned pages are counted; now, if `changed`, else when it
 * is due. If it owns more than is seen, goes on with the search: slots that want what is found are
 * doubtful then, and what lies beyond the view is noted. The numbers are published in xenstore.
 * Returns whether the monitor's processes are owed the numbers.
 */
bool stock_take(struct service *service, struct monitor *monitor, struct served_target *target,
                bool changed);

#endif
