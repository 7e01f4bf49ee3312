/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The monotonic clock (CLOCK_MONOTONIC), for deadlines and durations. */
#ifndef DOMM_BASE_CLOCK_H
#define DOMM_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t domm_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static inline int64_t domm_now_ms(void)
{
    return (int64_t)(domm_now_ns() / 1000000u);
}

#endif
