/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The states of a monitor that dommd serves, and its timers, without the monitor's pages. */
#include "tests/unit/unit.h"

#include "cmd/dommd/client.h"
#include "cmd/dommd/heartbeat.h"
#include "cmd/dommd/monitor.h"
#include "cmd/dommd/regions.h"
#include "cmd/dommd/revoke.h"
#include "cmd/dommd/suspend.h"
#include "cmd/dommd/turn.h"
#include "cmd/shared/event_loop.h"
#include "lib/base/clock.h"
#include "lib/pair/locks.h"

#define GRACE_MS 400
#define SHORT_MS 50

static struct service service = {.grace_ms = GRACE_MS};
static struct monitor *monitor;

/* What the other files of dommd, and other programs, do here. */
static struct {
    bool locked_elsewhere, asleep, more, seen, asked;
    unsigned turns, reconciled, reclaimed, heartbeats;
} world;

bool domm_guest_lock(int locks, enum domm_guest_lock kind, const struct domm_uuid *guest)
{
    (void)locks;
    (void)guest;
    world.seen |= kind == DOMM_LOCK_SEEN;
    return kind == DOMM_LOCK_SEEN || !world.locked_elsewhere;
}

void domm_guest_unlock(int locks, enum domm_guest_lock kind, const struct domm_uuid *guest)
{
    (void)locks;
    (void)guest;
    world.seen &= kind != DOMM_LOCK_SEEN;
}

bool monitor_is_asked_to_suspend(struct service *unused, const struct monitor *m)
{
    (void)unused;
    (void)m;
    return world.asked;
}

void service_reconcile_soon(struct service *unused)
{
    (void)unused;
    world.reconciled++;
}

bool monitor_may_be_served(const struct monitor *m)
{
    return m->state == MONITOR_SERVED;
}

bool monitor_serve(struct service *unused, struct monitor *m)
{
    (void)unused;
    m->new_channels = false;
    world.asleep = false;
    world.turns += m->state == MONITOR_SERVED;
    return world.more;
}

bool monitor_sleep(struct monitor *m)
{
    (void)m;
    world.asleep = true;
    return true;
}

void monitor_prepare_suspend(struct service *unused, struct monitor *m)
{
    (void)unused;
    m->suspend_pending = false;
    assert_true(monitor_enter(m, MONITOR_SUSPENDING));
    event_timer_set(m->reopen_timer, SHORT_MS);
}

void monitor_note_heartbeat(struct service *unused, struct monitor *m)
{
    (void)unused;
    m->heartbeat_ms = 0;
    event_timer_set(m->heartbeat_timer, SHORT_MS);
    world.heartbeats++;
}

void monitor_reclaim(struct service *unused, struct monitor *m)
{
    (void)unused;
    (void)m;
    world.reclaimed++;
}

void regions_doubt(struct monitor *m)
{
    (void)m;
}

void regions_free(struct monitor *m)
{
    (void)m;
}

/* Lets the loop run. */
static void wait_ms(int64_t milliseconds)
{
    int64_t end = domm_now_ms() + milliseconds;
    do
        assert_true(sd_event_run(service.event, 1000) >= 0);
    while (domm_now_ms() < end);
}

static void settle(void)
{
    wait_ms(5);
}

static int set_up(void **state)
{
    struct domm_error err;
    (void)state;
    memset(&world, 0, sizeof(world));
    domm_log_init(&service.log, stderr, "test");
    service.log.minimum = DOMM_LOG_LEVELS;
    monitor = calloc(1, sizeof(*monitor));
    assert_non_null(monitor);
    *monitor = (struct monitor){.service = &service, .domid = 7, .name = strdup("monitor")};
    assert_int_equal(sd_event_new(&service.event), 0);
    assert_int_equal(monitor_timers_add(monitor, &err), 0);
    event_timer_set(monitor->turn_timer, 0);
    settle();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sd_event_source_disable_unref(monitor->turn_timer);
    sd_event_source_disable_unref(monitor->reopen_timer);
    sd_event_source_disable_unref(monitor->heartbeat_timer);
    sd_event_source_disable_unref(monitor->reclaim_timer);
    free(monitor->name);
    free(monitor);
    service.event = sd_event_unref(service.event);
    return 0;
}

static void only_the_changes_of_the_table_are_made(void **state)
{
    (void)state;
    static const bool may[MONITOR_STATES][MONITOR_STATES] = {
        [MONITOR_SERVED] = {false, true, true, true},
        [MONITOR_SUSPENDING] = {true, false, true, true},
        [MONITOR_SUSPENDED] = {true, true, false, true},
        [MONITOR_MIGRATING] = {false, false, true, false},
    };
    for (enum monitor_state from = 0; from < MONITOR_STATES; from++) {
        for (enum monitor_state to = 0; to < MONITOR_STATES; to++) {
            assert_int_equal(monitor_state_may_become(from, to), may[from][to]);
            monitor->state = from;
            assert_int_equal(monitor_enter(monitor, to), from == to || may[from][to]);
            assert_int_equal(monitor->state, may[from][to] ? to : from);
        }
    }
    monitor->state = MONITOR_SERVED;
}

static void one_that_is_served_sleeps_until_it_is_kicked(void **state)
{
    (void)state;
    assert_int_equal(world.turns, 1);
    assert_true(world.asleep);
    assert_false(event_timer_is_set(monitor->turn_timer));
    world.more = true;
    monitor_watch_event(monitor, WATCH_KICK);
    wait_ms(SHORT_MS);
    assert_true(world.turns > 2);
    assert_false(world.asleep);
    world.more = false;
    settle();
    assert_true(world.asleep);
}

static void one_whose_lock_is_taken_is_left_alone_until_it_is_free(void **state)
{
    (void)state;
    world.locked_elsewhere = true;
    monitor_watch_event(monitor, WATCH_CONTROL);
    monitor_watch_event(monitor, WATCH_CONTROL);
    settle();
    assert_int_equal(monitor->state, MONITOR_MIGRATING);
    assert_false(monitor->suspend_pending);
    assert_true(event_timer_is_set(monitor->reclaim_timer));
    world.locked_elsewhere = false;
    assert_int_equal(world.reconciled, 0);
    event_timer_set(monitor->turn_timer, 0);
    settle();
    assert_int_equal(monitor->state, MONITOR_SUSPENDED);
    assert_int_equal(world.reconciled, 1);
    assert_int_equal(world.turns, 1);
    assert_true(monitor_enter(monitor, MONITOR_SERVED));
    settle();
    assert_int_equal(world.turns, 2);
}

/* However late dommd is, it says that it has seen the lock, and from then on no event of domm's own
 * suspend, of which some may still be on their way, has the mappings removed. */
static void domms_own_suspend_is_not_taken_for_anothers(void **state)
{
    (void)state;
    monitor_watch_event(monitor, WATCH_CONTROL); /* the watch's own */
    settle();
    world.locked_elsewhere = true;
    assert_false(world.seen);
    monitor_watch_event(monitor, WATCH_CONTROL);
    settle();
    assert_true(world.seen);
    monitor_watch_event(monitor, WATCH_CONTROL); /* the guest's answer */
    world.locked_elsewhere = false;
    settle();
    assert_int_equal(monitor->state, MONITOR_SUSPENDED); /* until the next inventory */
    assert_false(world.seen);
    world.locked_elsewhere = true;
    monitor_watch_event(monitor, WATCH_KICK);
    settle();
    assert_int_equal(monitor->state, MONITOR_MIGRATING);
    world.asked = true; /* by another program, while domm has the lock */
    monitor_watch_event(monitor, WATCH_CONTROL);
    world.locked_elsewhere = false;
    settle();
    assert_int_equal(monitor->state, MONITOR_SUSPENDING);
}

static void a_wish_to_suspend_closes_it_for_a_while(void **state)
{
    (void)state;
    monitor_watch_event(monitor, WATCH_CONTROL); /* the watch's own */
    settle();
    assert_int_equal(monitor->state, MONITOR_SERVED);
    monitor_watch_event(monitor, WATCH_CONTROL);
    settle();
    assert_int_equal(monitor->state, MONITOR_SUSPENDING);
    wait_ms(2 * SHORT_MS);
    assert_int_equal(monitor->state, MONITOR_SERVED);
    monitor_watch_event(monitor, WATCH_CONTROL);
    settle();
    assert_true(monitor_enter(monitor, MONITOR_SUSPENDED));
    assert_false(event_timer_is_set(monitor->reopen_timer));
}

static void signs_of_life_are_noted_now_and_then(void **state)
{
    (void)state;
    monitor_watch_event(monitor, WATCH_ALIVE); /* the watch's own */
    assert_int_equal(world.heartbeats, 0);
    for (int i = 0; i < 5; i++)
        monitor_watch_event(monitor, WATCH_ALIVE);
    assert_int_equal(world.heartbeats, 1);
    wait_ms(2 * SHORT_MS);
    assert_int_equal(world.heartbeats, 2);
    wait_ms(2 * SHORT_MS);
    assert_int_equal(world.heartbeats, 2);
}

static void reclaiming_is_put_off_but_not_for_ever(void **state)
{
    (void)state;
    monitor_defer_reclaim(monitor);
    wait_ms(GRACE_MS / 2);
    monitor_defer_reclaim(monitor);
    wait_ms(GRACE_MS / 2 + SHORT_MS);
    assert_int_equal(world.reclaimed, 0);
    wait_ms(GRACE_MS);
    assert_int_equal(world.reclaimed, 1);
    monitor_defer_reclaim(monitor);
    monitor->reclaim_latest_ms = domm_now_ms() + SHORT_MS;
    monitor_defer_reclaim(monitor);
    wait_ms(2 * SHORT_MS);
    assert_int_equal(world.reclaimed, 2);
}

static void nothing_is_reclaimed_from_one_that_does_not_run(void **state)
{
    (void)state;
    monitor_defer_reclaim(monitor);
    assert_true(monitor_enter(monitor, MONITOR_SUSPENDED));
    wait_ms(2 * GRACE_MS);
    assert_int_equal(world.reclaimed, 0);
    assert_true(monitor_enter(monitor, MONITOR_SERVED));
    wait_ms(GRACE_MS / 2);
    assert_int_equal(world.reclaimed, 0);
    wait_ms(GRACE_MS);
    assert_int_equal(world.reclaimed, 1);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(only_the_changes_of_the_table_are_made),
        CASE(one_that_is_served_sleeps_until_it_is_kicked),
        CASE(one_whose_lock_is_taken_is_left_alone_until_it_is_free),
        CASE(domms_own_suspend_is_not_taken_for_anothers),
        CASE(a_wish_to_suspend_closes_it_for_a_while),
        CASE(signs_of_life_are_noted_now_and_then),
        CASE(reclaiming_is_put_off_but_not_for_ever),
        CASE(nothing_is_reclaimed_from_one_that_does_not_run),
    };
    return cmocka_run_group_tests_name("monitor", tests, NULL, NULL);
}
