/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Scope attributes that free memory and close descriptors on every return path. Guests are never
 * paused, resumed or destroyed this way: such decisions must be visible.
 */
#ifndef DOMM_BASE_CLEANUP_H
#define DOMM_BASE_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

#define DOMM_CLEANUP(function) __attribute__((cleanup(function)))

static inline void domm_cleanup_free(void *pointer_to_pointer)
{
    free(*(void **)pointer_to_pointer);
}

static inline void domm_cleanup_fd(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

#define cleanup_free DOMM_CLEANUP(domm_cleanup_free)
#define cleanup_fd DOMM_CLEANUP(domm_cleanup_fd)

#endif
