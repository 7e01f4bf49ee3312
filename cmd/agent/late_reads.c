/* SPDX-License-Identifier: GPL-3.0-or-later */
#define FUSE_USE_VERSION 31

#include "cmd/agent/late_reads.h"

#include <errno.h>
#include <fuse_lowlevel.h>
#include <string.h>

#include "lib/base/clock.h"

static void late_reads_interrupt(fuse_req_t request, void *context)
{
    struct late_reads *late = context;
    size_t i = 0;
    while (i < late->count && late->all[i].request != request)
        i++;
    if (i == late->count)
        return;
    late->all[i] = late->all[--late->count];
    fuse_reply_err(request, EINTR);
}

bool late_reads_add(struct late_reads *late, const struct late_read *read)
{
    if (domm_now_ms() >= late->until_ms || late->count == LATE_READS)
        return false;
    late->all[late->count++] = *read;
    fuse_req_interrupt_func(read->request, late_reads_interrupt, late);
    return true;
}

size_t late_reads_take(struct late_reads *late, struct late_read taken_r[LATE_READS])
{
    size_t count = late->count;
    memcpy(taken_r, late->all, count * sizeof(*taken_r));
    late->count = 0;
    return count;
}

void late_reads_refuse(struct late_reads *late)
{
    late->until_ms = 0;
    while (late->count)
        fuse_reply_err(late->all[--late->count].request, EIO);
}
