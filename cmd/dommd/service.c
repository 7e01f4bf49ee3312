/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/dommd/service.h"

#include <unistd.h>

#include "cmd/dommd/monitor.h"
#include "cmd/shared/event_loop.h"
#include "lib/net/netlink.h"
#include "lib/pair/locks.h"
#include "lib/xen/xen.h"

void service_reconcile_soon(struct service *service)
{
    event_timer_set(service->reconcile_timer, 0);
}

/* A library may fail at every domain, each time that the inventory is read. */
int service_open(struct service *service, struct domm_error *err)
{
    service->library_lines = (struct domm_log_limit){.bucket = {.rate = 1, .burst = 200}};
    service->log.libraries = &service->library_lines;
    int rc = domm_xen_open(&service->log, &service->xen, err);
    if (rc)
        return rc;
    rc = domm_hv_open(&service->log, &service->hv, err);
    if (rc)
        return rc;
    rc = domm_store_open(&service->store, err);
    if (rc)
        return rc;
    rc = domm_netlink_open(&service->netlink, err);
    if (rc)
        return rc;
    return domm_guest_locks_open(&service->locks, err);
}

void service_close(struct service *service)
{
    while (service->monitors) {
        struct monitor *monitor = service->monitors;
        service->monitors = monitor->next;
        monitor_close(service, monitor);
    }
    sd_event_source_disable_unref(service->reconcile_timer);
    sd_event_source_disable_unref(service->follow_timer);
    sd_event_unref(service->event);
    if (service->locks >= 0)
        close(service->locks);
    domm_netlink_close(service->netlink);
    domm_store_close(service->store);
    domm_hv_close(service->hv);
    domm_xen_close(service->xen);
}
