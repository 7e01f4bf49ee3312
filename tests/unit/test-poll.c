/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#include "lib/base/poll.h"

static void on_alarm(int number)
{
    (void)number;
}

/* Interrupts system calls until the timer is set to zero. */
static void set_alarms(int every_us)
{
    const struct sigaction action = {.sa_handler = on_alarm};
    const struct itimerval timer = {.it_interval.tv_usec = every_us, .it_value.tv_usec = every_us};
    assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
    assert_int_equal(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

static void signals_do_not_shorten_the_wait(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct pollfd fd = {.fd = ends[0], .events = POLLIN};
    int64_t end_ms = domm_now_ms() + 100;
    set_alarms(3000);
    assert_int_equal(domm_poll_until(&fd, 1, end_ms), 0);
    set_alarms(0);
    assert_true(domm_now_ms() >= end_ms);
    close(ends[0]);
    close(ends[1]);
}

static void an_event_is_seen_after_the_end_too(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct pollfd fd = {.fd = ends[0], .events = POLLIN};
    assert_int_equal(domm_poll_until(&fd, 1, domm_now_ms() - 1), 0);
    assert_int_equal(write(ends[1], "", 1), 1);
    assert_int_equal(domm_poll_until(&fd, 1, domm_now_ms() - 1), 1);
    assert_int_equal(domm_poll_until(&fd, 1, domm_now_ms() + 60000), 1);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signals_do_not_shorten_the_wait),
        cmocka_unit_test(an_event_is_seen_after_the_end_too),
    };
    return cmocka_run_group_tests_name("poll", tests, NULL, NULL);
}
