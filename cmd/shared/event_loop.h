/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The event loop of a service: sd-event(3), which also works where systemd does not run. */
#ifndef DOMM_SHARED_EVENT_LOOP_H
#define DOMM_SHARED_EVENT_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "lib/base/error.h"

/* A loop that SIGTERM and SIGINT end. To be called before a library starts threads, which would
 * take the signals. The caller frees it with sd_event_unref. */
int event_loop_new(sd_event **event_r, struct domm_error *err);

/* Calls the handler while fd is readable. The caller unrefs *source_r; if source_r is null, the
 * source lives as long as the loop. */
int event_loop_add_io(sd_event *event, int fd, sd_event_io_handler_t handler, void *userdata,
                      sd_event_source **source_r, struct domm_error *err);

/* A timer that is not set. The caller unrefs it. */
int event_loop_add_timer(sd_event *event, sd_event_time_handler_t handler, void *userdata,
                         sd_event_source **timer_r, struct domm_error *err);

/* Sets the timer to expire once, in that many milliseconds; a negative number unsets it. */
void event_timer_set(sd_event_source *timer, int64_t milliseconds);
bool event_timer_is_set(sd_event_source *timer);

/* How long to wait for a time of domm_now_ms; 0 if it is over. */
int64_t ms_until(int64_t time_ms);

/* Tells the service manager, if there is one, that the service is ready, and runs the loop until
 * a signal or sd_event_exit ends it. */
int event_loop_run(sd_event *event, struct domm_error *err);

#endif
