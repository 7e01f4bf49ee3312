/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What dommd's looks at its monitors' targets cost (cmd/dommd/follow.h), in CPU time, on a Xen that
 * is made up: so many targets of 1 GiB, each mapped whole by a monitor of its own, and none of them
 * changes. What is real is all that dommd does with Xen's m2p, which is memory for it as well.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd/dommd/follow.h"
#include "cmd/dommd/followed.h"
#include "cmd/dommd/regions.h"
#include "cmd/shared/event_loop.h"
#include "lib/base/sleep.h"
#include "lib/mapping/mapping.h"
#include "lib/mapping/search.h"
#include "lib/pair/pages.h"
#include "tests/cli/fake.h"

#define FRAMES UINT64_C(262144) /* of each target */
#define MOST_TARGETS 16u
#define SUPERPAGE 512u /* frames that lie together, as Xen allocates them */
#define LOOKS 50u      /* of 100 ms */

static struct service service;
static uint64_t *m2p;

WRAP(int, domm_hv_m2p, struct domm_hv *hv, const uint64_t **m2p_r, size_t *count_r,
     struct domm_error *err)
{
    *m2p_r = m2p;
    *count_r = FRAMES * MOST_TARGETS;
    return 0;
}

WRAP(int, domm_hv_pages, struct domm_hv *hv, uint32_t domid, uint64_t *pages_r,
     struct domm_error *err)
{
    *pages_r = FRAMES;
    return 0;
}

WRAP(int, domm_hv_kinds, struct domm_hv *hv, uint32_t domid, const uint64_t *frames, size_t count,
     enum domm_page_kind *kinds_r, struct domm_error *err)
{
    memset(kinds_r, 0, count * sizeof(*kinds_r)); /* DOMM_PAGE_ORDINARY */
    return 0;
}

WRAP(int, domm_mapping_remap, struct domm_hv *hv, uint32_t domid,
     const struct domm_mapping_target *mapped, struct domm_remap *remaps, size_t count,
     struct domm_error *err)
{
    abort(); /* nothing changes */
}

WRAP(int, domm_pages_write, struct domm_store *store, uint32_t domid, const struct domm_uuid *uuid,
     const char *text, struct domm_error *err)
{
    return 0;
}

static void *need(void *memory)
{
    if (!memory)
        abort();
    return memory;
}

/* The frame of a target's gfn: its superpages lie anywhere. */
static uint64_t frame_of(const uint32_t *places, unsigned int target, uint64_t gfn)
{
    uint64_t superpage = target * (FRAMES / SUPERPAGE) + gfn / SUPERPAGE;
    return (uint64_t)places[superpage] * SUPERPAGE + gfn % SUPERPAGE;
}

static void map_all(struct monitor *monitor, const uint32_t *places, unsigned int target)
{
    struct mapped_region *region = NULL;
    for (uint64_t gfn = 0; gfn < FRAMES; gfn++) {
        uint32_t slot = 1 + (uint32_t)(gfn % (DOMM_PTES - 1));
        uint64_t mfn = frame_of(places, target, gfn);
        if (slot == 1) {
            const struct domm_region at = {.va = (1 + monitor->n_regions) << 21,
                                           .l1_mfn = 1 + monitor->n_regions};
            if (region_add(monitor, &monitor->clients[0], &at))
                abort();
            region = monitor->regions[monitor->n_regions - 1];
            region->domid = monitor->targets[0].domid;
        }
        region->gfns[slot] = gfn;
        region->mfns[slot] = mfn;
        m2p[mfn] = gfn;
    }
}

static struct monitor *monitor_of(const uint32_t *places, unsigned int target)
{
    static char name[] = "monitor";
    struct monitor *monitor = need(calloc(1, sizeof(*monitor)));
    struct domm_error err;
    *monitor = (struct monitor){.service = &service,
                                .domid = 100 + target,
                                .name = name,
                                .lines = {.bucket = {.rate = 1}},
                                .n_targets = 1};
    monitor->targets[0] =
        (struct served_target){.domid = 1 + target, .translated = true, .name = "target"};
    monitor->targets[0].followed = need(calloc(1, sizeof(struct followed)));
    *monitor->targets[0].followed = (struct followed){.frames = FRAMES,
                                                      .search_at = DOMM_SEARCH_END,
                                                      .searched = true,
                                                      .at_once = DOMM_SEARCH_FRAMES};
    if (event_loop_add_timer(service.event, NULL, NULL, &monitor->turn_timer, &err) ||
        event_loop_add_timer(service.event, NULL, NULL, &monitor->reclaim_timer, &err))
        abort();
    map_all(monitor, places, target);
    return monitor;
}

static double cpu_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void look_at(struct monitor *const *monitors, unsigned int count)
{
    for (unsigned int i = 0; i < count; i++)
        follow_targets(&service, monitors[i]);
}

static void follow_measure(struct monitor *const *monitors, unsigned int count)
{
    look_at(monitors, count); /* Xen is asked once about each page */
    double start = cpu_ms();
    for (unsigned int i = 0; i < LOOKS; i++) {
        domm_sleep_ms(FOLLOW_MS);
        look_at(monitors, count);
    }
    double all = cpu_ms() - start;
    start = cpu_ms();
    look_at(monitors, count);
    printf("%2u targets of 1 GiB: %7.2f ms of CPU time a second, %6.2f ms for one look\n", count,
           all * 1000 / (LOOKS * FOLLOW_MS), cpu_ms() - start);
}

int main(void)
{
    static struct monitor *monitors[MOST_TARGETS];
    const size_t superpages = MOST_TARGETS * FRAMES / SUPERPAGE;
    uint32_t *places = need(calloc(superpages, sizeof(*places)));
    m2p = need(calloc(FRAMES * MOST_TARGETS, sizeof(*m2p)));
    domm_log_init(&service.log, stderr, "bench");
    if (sd_event_new(&service.event) < 0)
        return EXIT_FAILURE;
    for (uint32_t i = 0; i < superpages; i++) {
        uint32_t other = (uint32_t)random() % (i + 1);
        places[i] = places[other];
        places[other] = i;
    }
    for (unsigned int i = 0; i < MOST_TARGETS; i++)
        monitors[i] = monitor_of(places, i);
    for (unsigned int count = 1; count <= MOST_TARGETS; count *= 4)
        follow_measure(monitors, count);
    return EXIT_SUCCESS;
}
