/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * channel-times: runs in a monitor, and prints medians of what its two ways to dom0 take: the
 * set-up of a channel through xenstore, from nothing to a target that can be mapped; a request
 * through the channel, for one frame and for as many as it takes at once; and, to compare, one
 * exchange with xenstore, of which a request through it would need two and a watch.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xenstore.h>

#include "lib/vmi/domm-guest.h"

#define SETUPS 7
#define REQUESTS 101
#define BATCH 511

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int order(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *times, size_t count)
{
    qsort(times, count, sizeof(*times), order);
    return times[count / 2];
}

static struct domm_vmi_memory *set_up(struct domm_vmi **guest_r)
{
    struct domm_vmi_target target = {.attached = false};
    struct domm_vmi_memory *memory;
    if (domm_vmi_open(guest_r))
        errx(1, "this is no monitor");
    for (int i = 0; i < 2000 && !target.attached; i++) {
        domm_vmi_poll(*guest_r, 10);
        if (domm_vmi_targets(*guest_r, &target, 1) < 1)
            target.attached = false;
    }
    if (!target.attached || domm_vmi_memory_open(*guest_r, target.uuid, &memory))
        errx(1, "no target within 20 s");
    return memory;
}

static double setup_ms(void)
{
    double times[SETUPS];
    for (size_t i = 0; i < SETUPS; i++) {
        struct domm_vmi *vmi;
        double start = now_ms();
        set_up(&vmi);
        times[i] = now_ms() - start;
        domm_vmi_close(vmi);
    }
    return median(times, SETUPS);
}

static double request_ms(struct domm_vmi_memory *memory, uint64_t frames)
{
    double times[REQUESTS];
    for (size_t i = 0; i < REQUESTS; i++) {
        double start = now_ms();
        if (domm_vmi_map(memory, 0, frames) < 1)
            errx(1, "nothing could be mapped");
        times[i] = now_ms() - start;
    }
    return median(times, REQUESTS);
}

static double xenstore_ms(void)
{
    double times[REQUESTS];
    struct xs_handle *store = xs_open(0);
    if (!store)
        errx(1, "no xenstore");
    for (size_t i = 0; i < REQUESTS; i++) {
        unsigned int length;
        double start = now_ms();
        free(xs_read(store, XBT_NULL, "domid", &length));
        times[i] = now_ms() - start;
    }
    xs_close(store);
    return median(times, REQUESTS);
}

int main(void)
{
    struct domm_vmi *vmi;
    double setup = setup_ms();
    struct domm_vmi_memory *memory = set_up(&vmi);
    double one = request_ms(memory, 1), batch = request_ms(memory, BATCH);
    double exchange = xenstore_ms();
    domm_vmi_close(vmi);
    printf("medians: set-up through xenstore %.1f ms; a request of 1 frame %.2f ms, of %d frames "
           "%.2f ms (%.4f ms a frame); an exchange with xenstore %.2f ms\n",
           setup, one, BATCH, batch, batch / BATCH, exchange);
    return 0;
}
