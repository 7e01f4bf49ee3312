/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Taking mappings back from a monitor. */
#ifndef DOMM_DOMMD_REVOKE_H
#define DOMM_DOMMD_REVOKE_H

#include <stdbool.h>

#include "cmd/dommd/service.h"

/* Takes back what may not stay; all of it, if `all`. Failure is logged, and tried again by a later
 * monitor_reclaim. */
void monitor_sweep(struct service *service, struct monitor *monitor, const char *why, bool all);

/* Takes back what nobody has claimed within the grace period. */
void monitor_reclaim(struct service *service, struct monitor *monitor);

#endif
