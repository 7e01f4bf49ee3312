/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/dommd/follow.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/dommd/followed.h"
#include "cmd/dommd/news.h"
#include "cmd/dommd/regions.h"
#include "cmd/dommd/stock.h"
#include "cmd/shared/event_loop.h"
#include "lib/base/bits.h"
#include "lib/base/clock.h"
#include "lib/mapping/mapping.h"

#define REGIONS_AT_ONCE 16 /* in one pause of the monitor */
#define REGIONS_A_LOOK 64

/* A page without a gfn cannot be seen to be given back: it is let go of, and asked for again. */
#define PROBE_MS 1000

static bool is_doubtful(const struct mapped_region *region)
{
    static const unsigned char none[sizeof(region->doubt)];
    return memcmp(region->doubt, none, sizeof(none)) != 0;
}

struct look {
    struct service *service;
    struct monitor *monitor;
    struct served_target *target;
    struct followed *followed;
    struct domm_mapping_target mapped;
    const uint64_t *m2p;
    size_t m2p_count;
    bool probe; /* pages without a gfn are doubtful */
};

/* A PV target's own table says what has come, of which its word is not taken, but tried. */
static bool follow_is_named(const struct look *look, uint64_t gfn)
{
    return look->probe && look->mapped.layout && gfn != DOMM_NO_FRAME &&
           look->followed->owned > look->followed->seen &&
           domm_mapping_frame(&look->mapped, gfn) != DOMM_NO_FRAME;
}

static void follow_doubt(const struct look *look, struct mapped_region *region)
{
    for (uint32_t slot = 1; slot < DOMM_PTES; slot++) {
        uint64_t gfn = region->gfns[slot], mfn = region->mfns[slot];
        bool doubtful;
        if (mfn == DOMM_NO_FRAME)
            doubtful = follow_is_named(look, gfn);
        else if (gfn & DOMM_BY_MFN)
            doubtful = look->probe;
        else
            doubtful = domm_mapping_is_stale(&look->mapped, gfn, mfn, look->m2p, look->m2p_count);
        if (doubtful)
            domm_bit_put(region->doubt, slot, true);
    }
}

static void follow_take(struct look *look, struct mapped_region *const *regions,
                        const struct domm_remap *remaps, size_t count)
{
    struct followed_changes *changes = &look->followed->changes;
    for (size_t i = 0; i < count; i++) {
        changes->gone += remaps[i].gone;
        changes->came += remaps[i].came;
        changes->replaced += remaps[i].replaced;
        for (size_t j = 0; j < sizeof(regions[i]->doubt); j++)
            regions[i]->asked[j] &= (unsigned char)~regions[i]->doubt[j];
        memset(regions[i]->doubt, 0, sizeof(regions[i]->doubt));
        regions[i]->changed |= remaps[i].gone + remaps[i].came + remaps[i].replaced > 0;
        if (remaps[i].lost) { /* what the table maps is nobody's, and swept in a while */
            region_forget(regions[i]);
            monitor_defer_reclaim(look->monitor);
        }
    }
}

/* Returns how many were doubtful. */
static size_t follow_remap(struct look *look, struct mapped_region **regions, size_t count)
{
    struct domm_remap remaps[REGIONS_AT_ONCE];
    struct domm_error err;
    for (size_t i = 0; i < count; i++)
        remaps[i] = (struct domm_remap){.region = &regions[i]->at,
                                        .gfns = regions[i]->gfns,
                                        .mfns = regions[i]->mfns,
                                        .which = regions[i]->doubt};
    int rc = count ? domm_mapping_remap(look->service->hv, look->monitor->domid, &look->mapped,
                                        remaps, count, &err)
                   : 0;
    if (rc) /* they stay doubtful */
        monitor_log(look->service, look->monitor, DOMM_LOG_WARN, "following %s: %s",
                    look->target->name, err.text);
    else
        follow_take(look, regions, remaps, count);
    return count;
}

/* The next look begins behind the last region of this one, so that no region waits for ever. */
static size_t follow_regions(struct look *look)
{
    struct monitor *monitor = look->monitor;
    struct mapped_region *doubtful[REGIONS_AT_ONCE];
    size_t count = 0, done = 0, first = look->followed->first;
    for (size_t i = 0; i < monitor->n_regions && done + count < REGIONS_A_LOOK; i++) {
        struct mapped_region *region = monitor->regions[(first + i) % monitor->n_regions];
        if (region->domid != look->target->domid)
            continue;
        follow_doubt(look, region);
        if (is_doubtful(region))
            doubtful[count++] = region;
        if (count == REGIONS_AT_ONCE) {
            done += follow_remap(look, doubtful, count);
            count = 0;
        }
        look->followed->first = first + i + 1;
    }
    return done + follow_remap(look, doubtful, count);
}

/* What balloons is no news; what its kernel has put elsewhere is. */
static void follow_log(struct look *look)
{
    const struct followed_changes *now = &look->followed->changes;
    struct followed_changes *last = &look->followed->logged;
    if (memcmp(now, last, sizeof(*now)) == 0)
        return;
    monitor_log(look->service, look->monitor,
                now->replaced > last->replaced ? DOMM_LOG_WARN : DOMM_LOG_INFO,
                "%s (%u) has changed its memory: %" PRIu64 " pages gone, %" PRIu64 " come, %" PRIu64
                " replaced by others",
                look->target->name, look->target->domid, now->gone - last->gone,
                now->came - last->came, now->replaced - last->replaced);
    *last = *now;
}

static void follow_one(struct look *look)
{
    struct followed *followed = look->followed;
    struct domm_error err;
    uint64_t owned;
    int64_t now = domm_now_ms();
    if (domm_hv_pages(look->service->hv, look->target->domid, &owned, &err))
        return; /* it has gone: its regions are swept soon */
    if (owned != followed->owned)
        stock_search_soon(followed);
    look->probe = now >= followed->probe_ms;
    if (look->probe)
        followed->probe_ms = now + PROBE_MS;
    bool changed = owned != followed->owned;
    followed->owned = owned;
    changed |= follow_regions(look) > 0;
    /* A page that came elsewhere is looked for at once, and mapped by the next look. */
    changed |= stock_take(look->service, look->monitor, look->target, changed);
    follow_log(look);
    if (!changed)
        return;
    news_owe_pages(look->monitor);
    event_timer_set(look->monitor->turn_timer, 0);
}

void follow_targets(struct service *service, struct monitor *monitor)
{
    struct look look = {.service = service, .monitor = monitor};
    struct domm_error err;
    if (!monitor->n_regions || domm_hv_m2p(service->hv, &look.m2p, &look.m2p_count, &err))
        return;
    for (size_t i = 0; i < monitor->n_targets; i++) {
        look.target = &monitor->targets[i];
        look.followed = look.target->followed;
        look.mapped = (struct domm_mapping_target){
            .domid = look.target->domid,
            .layout = look.target->translated ? NULL : &look.target->layout};
        if (look.followed)
            follow_one(&look);
    }
}

static int on_follow(sd_event_source *timer, uint64_t usec, void *userdata)
{
    struct service *service = userdata;
    (void)usec;
    for (struct monitor *monitor = service->monitors; monitor; monitor = monitor->next) {
        if (monitor->state != MONITOR_SERVED || !monitor_lock(service, monitor))
            continue;
        service->log.libraries = &monitor->lines;
        follow_targets(service, monitor);
        monitor_unlock(service, monitor);
    }
    service->log.libraries = &service->library_lines;
    event_timer_set(timer, FOLLOW_MS - FOLLOW_MS / 5 + random() % (2 * FOLLOW_MS / 5));
    return 0;
}

int follow_start(struct service *service, struct domm_error *err)
{
    int rc = event_loop_add_timer(service->event, on_follow, service, &service->follow_timer, err);
    if (!rc)
        event_timer_set(service->follow_timer, FOLLOW_MS);
    return rc;
}
