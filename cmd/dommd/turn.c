/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A monitor gets one request of each of its channels served per turn, as long as its tokens last,
 * so that none waits for another's flood: the event loop gives turns that are due in their order.
 */
#include "cmd/dommd/turn.h"

#include "cmd/dommd/client.h"
#include "cmd/dommd/heartbeat.h"
#include "cmd/dommd/revoke.h"
#include "cmd/dommd/suspend.h"
#include "cmd/shared/event_loop.h"
#include "lib/base/clock.h"
#include "lib/pair/locks.h"

/* How often to look whether a monitor that is being migrated runs again. */
#define MIGRATING_MS 500

#define POLL_MS 1

/* Returns in how many ms there is more to do; a negative number if only after an event. */
static int64_t take_turn(struct monitor *monitor)
{
    if (monitor->suspend_pending)
        monitor_prepare_suspend(monitor->service, monitor);
    bool more = monitor_serve(monitor->service, monitor);
    if (monitor->state != MONITOR_SERVED)
        return -1;
    if (!monitor_may_be_served(monitor))
        return domm_bucket_wait(&monitor->bucket);
    if (more || monitor->new_channels)
        return 0;
    if (monitor->busy_ms > domm_now_ms())
        return POLL_MS;
    return monitor_sleep(monitor) ? -1 : 0;
}

/* What the migration waits for, before targets run again that it has stopped: from then on no event
 * of its own suspend is taken for somebody else's, however late this process is. */
static void note_migration(struct monitor *monitor)
{
    monitor->suspend_pending = false;
    monitor_enter(monitor, MONITOR_MIGRATING);
    domm_guest_lock(monitor->service->locks, DOMM_LOCK_SEEN, &monitor->uuid);
    event_timer_set(monitor->turn_timer, MIGRATING_MS);
}

/* A request to suspend that came meanwhile was domm's, unless it still stands. */
static void note_migrated(struct monitor *monitor)
{
    monitor->suspend_pending &= monitor_is_asked_to_suspend(monitor->service, monitor);
    monitor_enter(monitor, MONITOR_SUSPENDED);
    domm_guest_unlock(monitor->service->locks, DOMM_LOCK_SEEN, &monitor->uuid);
    service_reconcile_soon(monitor->service);
}

/* A request to suspend that comes while domm migrates the monitor is domm's. */
static int on_turn(sd_event_source *source, uint64_t usec, void *userdata)
{
    struct monitor *monitor = userdata;
    (void)source;
    (void)usec;
    if (!monitor_lock(monitor->service, monitor)) {
        note_migration(monitor);
        return 0;
    }
    if (monitor->state == MONITOR_MIGRATING)
        note_migrated(monitor);
    event_timer_set(monitor->turn_timer, take_turn(monitor));
    monitor_unlock(monitor->service, monitor);
    return 0;
}

static int on_reopen(sd_event_source *source, uint64_t usec, void *userdata)
{
    struct monitor *monitor = userdata;
    (void)source;
    (void)usec;
    monitor_enter(monitor, MONITOR_SERVED);
    return 0;
}

static int on_heartbeat(sd_event_source *source, uint64_t usec, void *userdata)
{
    struct monitor *monitor = userdata;
    (void)source;
    (void)usec;
    if (monitor->heartbeat_ms)
        monitor_note_heartbeat(monitor->service, monitor);
    return 0;
}

/* The grace period of one that does not run begins when it does. */
static int on_reclaim(sd_event_source *source, uint64_t usec, void *userdata)
{
    struct monitor *monitor = userdata;
    (void)source;
    (void)usec;
    if (monitor->state == MONITOR_SUSPENDED || monitor->state == MONITOR_MIGRATING)
        monitor_defer_reclaim(monitor);
    else
        monitor_reclaim(monitor->service, monitor);
    return 0;
}

int monitor_timers_add(struct monitor *monitor, struct domm_error *err)
{
    sd_event *event = monitor->service->event;
    int rc = event_loop_add_timer(event, on_turn, monitor, &monitor->turn_timer, err);
    if (rc)
        return rc;
    rc = event_loop_add_timer(event, on_reopen, monitor, &monitor->reopen_timer, err);
    if (rc)
        return rc;
    rc = event_loop_add_timer(event, on_heartbeat, monitor, &monitor->heartbeat_timer, err);
    if (rc)
        return rc;
    return event_loop_add_timer(event, on_reclaim, monitor, &monitor->reclaim_timer, err);
}

void monitor_watch_event(struct monitor *monitor, enum monitor_watch watch)
{
    bool first = !monitor->watch_fired[watch];
    monitor->watch_fired[watch] = true;
    if (watch == WATCH_ALIVE && !first) {
        monitor->heartbeat_ms = domm_now_ms();
        if (!event_timer_is_set(monitor->heartbeat_timer))
            monitor_note_heartbeat(monitor->service, monitor);
    }
    monitor->new_channels |= watch == WATCH_CHANNELS;
    monitor->suspend_pending |= watch == WATCH_CONTROL && !first;
    if (watch != WATCH_ALIVE)
        event_timer_set(monitor->turn_timer, 0);
}
