/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/dommd/suspend.h"

#include <string.h>

#include "cmd/dommd/client.h"
#include "cmd/dommd/monitor.h"
#include "cmd/dommd/revoke.h"
#include "cmd/shared/event_loop.h"
#include "lib/base/cleanup.h"

/* How long a monitor that is being suspended is not served: its kernel needs less from the request
 * to the hypercall, and dommd looks at it meanwhile (REFRESH_MS), and sees that it is suspended. */
#define CLOSED_MS 12000

bool monitor_is_asked_to_suspend(struct service *service, const struct monitor *monitor)
{
    char path[PATH_BYTES];
    struct domm_error err;
    cleanup_free char *asked = NULL;
    monitor_path(monitor, CONTROL_NODE, path);
    return domm_store_read(service->store, path, &asked, &err) == 0 &&
           strcmp(asked, "suspend") == 0;
}

/* The guest's kernel acknowledges a request, of any kind, by emptying the node, maybe before dommd
 * looks. */
static bool may_be_asked_to_suspend(struct service *service, const struct monitor *monitor)
{
    char path[PATH_BYTES];
    struct domm_error err;
    cleanup_free char *asked = NULL;
    monitor_path(monitor, CONTROL_NODE, path);
    return domm_store_read(service->store, path, &asked, &err) == 0 &&
           (strcmp(asked, "suspend") == 0 || !*asked);
}

/* A foreign frame in a saved page table would become any frame of the restored monitor, or none:
 * libxenguest cannot tell (normalise_page, xg_sr_save_x86_pv.c). What is in the rings unread is
 * not to be served after the suspend, so they end. */
void monitor_prepare_suspend(struct service *service, struct monitor *monitor)
{
    bool closed = monitor->state == MONITOR_SUSPENDING;
    monitor->suspend_pending = false;
    if (!may_be_asked_to_suspend(service, monitor) || !monitor_enter(monitor, MONITOR_SUSPENDING))
        return;
    event_timer_set(monitor->reopen_timer, CLOSED_MS);
    if (closed)
        return;
    monitor_sweep(service, monitor, "somebody else suspends it", true);
    for (size_t i = 0; i < MAX_CHANNELS; i++) {
        if (monitor->clients[i].channel)
            client_close(service, monitor, &monitor->clients[i]);
    }
}
