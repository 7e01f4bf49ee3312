/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DOMM_BASE_BOOT_H
#define DOMM_BASE_BOOT_H

#include <stdio.h>

#include "lib/base/uuid.h"

/* The ID of this boot of the host, in the form of a UUID; empty if it is unknown. */
static inline void domm_boot_id(char text_r[DOMM_UUID_TEXT])
{
    FILE *stream = fopen("/proc/sys/kernel/random/boot_id", "re");
    if (!stream || !fgets(text_r, DOMM_UUID_TEXT, stream))
        text_r[0] = '\0';
    if (stream)
        fclose(stream);
}

#endif
