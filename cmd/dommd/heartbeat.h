/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Signs of life of a monitor's agent. */
#ifndef DOMM_DOMMD_HEARTBEAT_H
#define DOMM_DOMMD_HEARTBEAT_H

#include "cmd/dommd/service.h"

/* Notes in xenstore when the agent has given its last sign of life. */
void monitor_note_heartbeat(struct service *service, struct monitor *monitor);

#endif
