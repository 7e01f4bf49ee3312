/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/stream/pace.h"

#define LARGE_ROUND_PAGES 256u

void domm_pace_take(struct domm_pace *pace, uint64_t pages, uint64_t took_ns)
{
    if (pages >= LARGE_ROUND_PAGES)
        *pace = (struct domm_pace){.pages = pages, .took_ns = took_ns ? took_ns : 1};
}

uint64_t domm_pace_pages(const struct domm_pace *pace, unsigned int ms)
{
    if (!pace->took_ns)
        return 0;
    return (uint64_t)((double)pace->pages * ms * 1e6 / (double)pace->took_ns);
}

uint64_t domm_pace_time(const struct domm_pace *pace, uint64_t pages)
{
    if (!pace->took_ns)
        return 0;
    return 1 + (uint64_t)((double)pages * (double)pace->took_ns / (double)pace->pages);
}
