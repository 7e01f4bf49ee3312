/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/shared/event_loop.h"

#include <sys/epoll.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "lib/base/clock.h"

#define ACCURACY_US 1 /* 0 would be 250 ms */

static int fail_at_setup(int rc, struct domm_error *err)
{
    return domm_fail_errno(err, DOMM_FAILED, -rc, "setting up the event loop");
}

int event_loop_new(sd_event **event_r, struct domm_error *err)
{
    int rc = sd_event_new(event_r);
    if (rc < 0)
        return fail_at_setup(rc, err);
    rc = sd_event_set_signal_exit(*event_r, true);
    if (rc < 0)
        *event_r = sd_event_unref(*event_r);
    return rc < 0 ? fail_at_setup(rc, err) : 0;
}

int event_loop_add_io(sd_event *event, int fd, sd_event_io_handler_t handler, void *userdata,
                      sd_event_source **source_r, struct domm_error *err)
{
    int rc = sd_event_add_io(event, source_r, fd, EPOLLIN, handler, userdata);
    return rc < 0 ? fail_at_setup(rc, err) : 0;
}

int event_loop_add_timer(sd_event *event, sd_event_time_handler_t handler, void *userdata,
                         sd_event_source **timer_r, struct domm_error *err)
{
    int rc = sd_event_add_time(event, timer_r, CLOCK_MONOTONIC, UINT64_MAX, ACCURACY_US, handler,
                               userdata);
    if (rc >= 0)
        rc = sd_event_source_set_enabled(*timer_r, SD_EVENT_OFF);
    return rc < 0 ? fail_at_setup(rc, err) : 0;
}

void event_timer_set(sd_event_source *timer, int64_t milliseconds)
{
    if (milliseconds < 0) {
        sd_event_source_set_enabled(timer, SD_EVENT_OFF);
        return;
    }
    sd_event_source_set_time_relative(timer, (uint64_t)milliseconds * 1000);
    sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

bool event_timer_is_set(sd_event_source *timer)
{
    int enabled;
    return sd_event_source_get_enabled(timer, &enabled) >= 0 && enabled != SD_EVENT_OFF;
}

int64_t ms_until(int64_t time_ms)
{
    int64_t rest = time_ms - domm_now_ms();
    return rest > 0 ? rest : 0;
}

int event_loop_run(sd_event *event, struct domm_error *err)
{
    sd_notify(true, "READY=1");
    int rc = sd_event_loop(event);
    return rc < 0 ? domm_fail_errno(err, DOMM_FAILED, -rc, "waiting for events") : 0;
}
