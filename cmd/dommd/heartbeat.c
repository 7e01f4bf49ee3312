/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/dommd/heartbeat.h"

#include <inttypes.h>
#include <stdio.h>

#include "cmd/dommd/monitor.h"
#include "cmd/shared/event_loop.h"
#include "lib/pair/xenstore_nodes.h"

/* Signs of life are noted at most so often. */
#define HEARTBEAT_MS 1000

void monitor_note_heartbeat(struct service *service, struct monitor *monitor)
{
    char path[PATH_BYTES], heard[24];
    struct domm_error err;
    monitor_path(monitor, DOMM_NODE_HEARD, path);
    snprintf(heard, sizeof(heard), "%" PRId64, monitor->heartbeat_ms);
    monitor->heartbeat_ms = 0;
    event_timer_set(monitor->heartbeat_timer, HEARTBEAT_MS);
    int rc = domm_store_rewrite(service->store, path, heard, &err);
    if (rc && rc != -DOMM_NOT_FOUND) /* as in the home of one that has ended */
        monitor_log(service, monitor, DOMM_LOG_WARN, "%s", err.text);
}
