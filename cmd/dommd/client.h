/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The channels of a monitor's processes, and the turns in which they are served. */
#ifndef DOMM_DOMMD_CLIENT_H
#define DOMM_DOMMD_CLIENT_H

#include <stdbool.h>

#include "cmd/dommd/monitor.h"

/* Whether its state allows that it is served, and it has tokens. */
bool monitor_may_be_served(const struct monitor *monitor);

/* One turn of bounded work; true if there is more to do at once. */
bool monitor_serve(struct service *service, struct monitor *monitor);

/* From now on its processes wake dommd (WATCH_KICK). False if one has sent something before. */
bool monitor_sleep(struct monitor *monitor);

/* Closes the channel; what the process has mapped is reclaimed later. */
void client_close(struct service *service, struct monitor *monitor, struct client *client);

#endif
