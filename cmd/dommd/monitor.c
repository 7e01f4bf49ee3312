/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/dommd/monitor.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd/dommd/followed.h"
#include "cmd/dommd/regions.h"
#include "cmd/shared/event_loop.h"
#include "lib/base/clock.h"
#include "lib/pair/locks.h"
#include "lib/pair/xenstore_nodes.h"

const char *const monitor_watches[MONITOR_WATCHES] = {
    [WATCH_CHANNELS] = DOMM_CHANNELS_NODE,
    [WATCH_KICK] = DOMM_NODE_KICK,
    [WATCH_CONTROL] = CONTROL_NODE,
    [WATCH_ALIVE] = DOMM_NODE_ALIVE,
};

/* How long a monitor that never stops asking can put off that what nobody claims is taken back. */
#define MAX_GRACES 12

void monitor_log(struct service *service, struct monitor *monitor, enum domm_log_level level,
                 const char *fmt, ...)
{
    char text[sizeof(((struct domm_error *)NULL)->text)];
    va_list args;
    if (level < service->log.minimum || !domm_log_allows(&service->log, &monitor->lines))
        return;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    domm_log(&service->log, level, "%s (%u): %s", monitor->name, monitor->domid, text);
}

struct served_target *monitor_target(struct monitor *monitor, uint32_t domid)
{
    for (size_t i = 0; domid && i < monitor->n_targets; i++) {
        if (monitor->targets[i].domid == domid)
            return &monitor->targets[i];
    }
    return NULL;
}

void monitor_path(const struct monitor *monitor, const char *below, char path_r[PATH_BYTES])
{
    snprintf(path_r, PATH_BYTES, "/local/domain/%u/%s", monitor->domid, below);
}

bool monitor_lock(const struct service *service, struct monitor *monitor)
{
    if (!monitor->locked && !domm_guest_lock(service->locks, DOMM_LOCK_TABLES, &monitor->uuid))
        return false;
    monitor->locked++;
    return true;
}

void monitor_unlock(const struct service *service, struct monitor *monitor)
{
    if (--monitor->locked == 0)
        domm_guest_unlock(service->locks, DOMM_LOCK_TABLES, &monitor->uuid);
}

void monitor_defer_reclaim(struct monitor *monitor)
{
    int64_t grace_ms = monitor->service->grace_ms;
    if (!event_timer_is_set(monitor->reclaim_timer))
        monitor->reclaim_latest_ms = domm_now_ms() + MAX_GRACES * grace_ms;
    int64_t most = ms_until(monitor->reclaim_latest_ms);
    event_timer_set(monitor->reclaim_timer, grace_ms < most ? grace_ms : most);
}

/* Its processes can claim nothing before it runs: the grace period begins then. */
static void restart_grace(struct monitor *monitor)
{
    event_timer_set(monitor->reclaim_timer, -1);
    monitor_defer_reclaim(monitor);
}

bool monitor_enter(struct monitor *monitor, enum monitor_state state)
{
    struct domm_log *log = &monitor->service->log;
    enum monitor_state from = monitor->state;
    if (state == from)
        return true;
    if (!monitor_state_may_become(from, state)) {
        domm_log(log, DOMM_LOG_ERROR, "%s (%u) is %s and cannot become %s", monitor->name,
                 monitor->domid, monitor_state_name(from), monitor_state_name(state));
        return false;
    }
    domm_log(log, DOMM_LOG_DEBUG, "%s (%u) is %s, was %s", monitor->name, monitor->domid,
             monitor_state_name(state), monitor_state_name(from));
    monitor->state = state;
    if (from == MONITOR_MIGRATING)
        regions_doubt(monitor);
    if (from == MONITOR_SUSPENDING)
        event_timer_set(monitor->reopen_timer, -1);
    if (state == MONITOR_MIGRATING ||
        (from == MONITOR_SUSPENDED && event_timer_is_set(monitor->reclaim_timer)))
        restart_grace(monitor);
    event_timer_set(monitor->turn_timer, 0);
    return true;
}

void target_release(struct service *service, struct served_target *target)
{
    /* The mapped p2m holds frames of the target, which would keep it dying. */
    domm_hv_layout_free(service->hv, &target->layout);
    followed_free(target);
    target->domid = 0;
}

void monitor_close(struct service *service, struct monitor *monitor)
{
    char path[PATH_BYTES];
    struct domm_error err;
    for (size_t i = 0; i < MONITOR_WATCHES; i++) {
        monitor_path(monitor, monitor_watches[i], path);
        domm_store_unwatch(service->store, path, &err);
    }
    domm_guest_unlock(service->locks, DOMM_LOCK_SEEN, &monitor->uuid);
    for (size_t i = 0; i < MAX_CHANNELS; i++)
        domm_channel_close(monitor->clients[i].channel);
    for (size_t i = 0; i < monitor->n_targets; i++)
        target_release(service, &monitor->targets[i]);
    sd_event_source_disable_unref(monitor->turn_timer);
    sd_event_source_disable_unref(monitor->reopen_timer);
    sd_event_source_disable_unref(monitor->heartbeat_timer);
    sd_event_source_disable_unref(monitor->reclaim_timer);
    regions_free(monitor);
    free(monitor->name);
    free(monitor);
}
