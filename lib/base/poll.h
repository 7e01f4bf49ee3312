/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* poll(2) with a deadline that signals do not move. libxl's children cause SIGCHLD at any time. */
#ifndef DOMM_BASE_POLL_H
#define DOMM_BASE_POLL_H

#include <errno.h>
#include <limits.h>
#include <poll.h>

#include "lib/base/clock.h"

/* Waits for an event, or until end_ms of domm_now_ms; at least looks if that is over. Returns what
 * poll(2) does: the number of descriptors with events, 0 for none, -1 with errno but for EINTR. */
static inline int domm_poll_until(struct pollfd *fds, nfds_t count, int64_t end_ms)
{
    int ready;
    do {
        int64_t left_ms = end_ms - domm_now_ms();
        ready = poll(fds, count, left_ms <= 0 ? 0 : left_ms < INT_MAX ? (int)left_ms : INT_MAX);
    } while (ready < 0 && errno == EINTR);
    return ready;
}

#endif
