/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sleeps; signals do not shorten the sleep. libxl's children cause SIGCHLD at any time. */
#ifndef DOMM_BASE_SLEEP_H
#define DOMM_BASE_SLEEP_H

#include <errno.h>
#include <time.h>

static inline void domm_sleep_ms(unsigned int ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    while (nanosleep(&left, &left) && errno == EINTR)
        ;
}

#endif
