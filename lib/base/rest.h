/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A pause that signals do not cut short: libxl's children end with one, whenever they like. */
#ifndef DOMM_BASE_REST_H
#define DOMM_BASE_REST_H

#include <errno.h>
#include <time.h>

static inline void domm_rest_ms(unsigned int ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    while (nanosleep(&left, &left) && errno == EINTR)
        ;
}

#endif
