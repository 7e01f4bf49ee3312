/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A view that follows its target, on a Xen that is made up (the linker puts the functions called
 * __wrap_… in place of the real ones). */
#include "tests/unit/unit.h"

#include <time.h>

#include "cmd/dommd/follow.h"
#include "cmd/dommd/followed.h"
#include "cmd/dommd/news.h"
#include "cmd/dommd/regions.h"
#include "cmd/shared/event_loop.h"
#include "lib/base/bits.h"
#include "lib/mapping/mapping.h"
#include "lib/mapping/search.h"
#include "lib/pair/pages.h"

#define VA UINT64_C(0x7f1234600000)
#define FRAMES 100        /* of the view */
#define MFNS 4096         /* of the machine */
#define NOBODY UINT64_MAX /* owns a frame */
#define HIGH UINT64_C(0x200000)

static struct service service;
static struct monitor monitor;
static struct served_target *target = &monitor.targets[0];
static struct client *client = &monitor.clients[0];
static struct mapped_region *region;

static struct {
    uint64_t m2p[MFNS]; /* of Xen */
    uint32_t owner[MFNS];
    uint64_t now_ms;
    size_t remaps, asked, events;
    uint64_t frame_ms; /* what Xen takes to tell whose a frame is */
    uint64_t xens;     /* a frame of Xen's in the target; or 0 */
    struct domm_reply last_region, last_pages;
    char text[DOMM_PAGES_TEXT];
} world;

int __wrap_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
    (void)clock;
    *time = (struct timespec){.tv_sec = (time_t)(world.now_ms / 1000),
                              .tv_nsec = (long)(world.now_ms % 1000) * 1000000};
    return 0;
}

int __wrap_domm_hv_m2p(struct domm_hv *hv, const uint64_t **m2p_r, size_t *count_r,
                       struct domm_error *err);
int __wrap_domm_hv_m2p(struct domm_hv *hv, const uint64_t **m2p_r, size_t *count_r,
                       struct domm_error *err)
{
    (void)hv;
    (void)err;
    *m2p_r = world.m2p;
    *count_r = MFNS;
    return 0;
}

int __wrap_domm_hv_pages(struct domm_hv *hv, uint32_t domid, uint64_t *pages_r,
                         struct domm_error *err);
int __wrap_domm_hv_pages(struct domm_hv *hv, uint32_t domid, uint64_t *pages_r,
                         struct domm_error *err)
{
    (void)hv;
    (void)err;
    *pages_r = 0;
    for (size_t mfn = 0; mfn < MFNS; mfn++)
        *pages_r += world.owner[mfn] == domid && (mfn != world.xens || !mfn);
    return 0;
}

/* The frame behind a gfn, or NOBODY. */
static uint64_t p2m(uint32_t domid, uint64_t gfn)
{
    for (size_t mfn = 0; mfn < MFNS; mfn++) {
        if (world.owner[mfn] == domid && world.m2p[mfn] == gfn)
            return mfn;
    }
    return NOBODY;
}

int __wrap_domm_hv_kinds(struct domm_hv *hv, uint32_t domid, const uint64_t *frames, size_t count,
                         enum domm_page_kind *kinds_r, struct domm_error *err);
int __wrap_domm_hv_kinds(struct domm_hv *hv, uint32_t domid, const uint64_t *frames, size_t count,
                         enum domm_page_kind *kinds_r, struct domm_error *err)
{
    (void)hv;
    (void)err;
    world.asked += count;
    world.now_ms += count * world.frame_ms;
    for (size_t i = 0; i < count; i++) {
        bool there =
            target->translated ? p2m(domid, frames[i]) != NOBODY : world.owner[frames[i]] == domid;
        there = there && (!world.xens || world.m2p[world.xens] != frames[i]);
        kinds_r[i] = there ? DOMM_PAGE_ORDINARY : DOMM_PAGE_ABSENT;
    }
    return 0;
}

/* What is mapped is held: a frame that its owner has given back is free once it is not. */
static void let_go(uint64_t mfn)
{
    if (mfn != DOMM_NO_FRAME && world.m2p[mfn] == DOMM_NO_FRAME)
        world.owner[mfn] = 0;
}

int __wrap_domm_mapping_remap(struct domm_hv *hv, uint32_t domid,
                              const struct domm_mapping_target *mapped, struct domm_remap *remaps,
                              size_t count, struct domm_error *err);
int __wrap_domm_mapping_remap(struct domm_hv *hv, uint32_t domid,
                              const struct domm_mapping_target *mapped, struct domm_remap *remaps,
                              size_t count, struct domm_error *err)
{
    (void)hv;
    (void)domid;
    (void)err;
    world.remaps++;
    for (size_t i = 0; i < count; i++) {
        struct domm_remap *remap = &remaps[i];
        for (uint32_t slot = 1; slot < DOMM_PTES; slot++) {
            uint64_t gfn = remap->gfns[slot], before = remap->mfns[slot];
            if (!domm_bit_get(remap->which, slot) || gfn == DOMM_NO_FRAME)
                continue;
            let_go(before);
            uint64_t now = gfn & DOMM_BY_MFN ? gfn & ~DOMM_BY_MFN : p2m(mapped->domid, gfn);
            if (now != NOBODY && world.owner[now] != mapped->domid)
                now = NOBODY;
            remap->mfns[slot] = now;
            remap->gone += before != DOMM_NO_FRAME && now == NOBODY;
            remap->came += before == DOMM_NO_FRAME && now != NOBODY;
            remap->replaced += before != DOMM_NO_FRAME && now != NOBODY && now != before;
        }
    }
    return 0;
}

int __wrap_domm_pages_write(struct domm_store *store, uint32_t domid, const struct domm_uuid *uuid,
                            const char *text, struct domm_error *err);
int __wrap_domm_pages_write(struct domm_store *store, uint32_t domid, const struct domm_uuid *uuid,
                            const char *text, struct domm_error *err)
{
    (void)store;
    (void)domid;
    (void)uuid;
    (void)err;
    snprintf(world.text, sizeof(world.text), "%s", text);
    return 0;
}

bool __wrap_domm_channel_send(struct domm_channel *channel, const void *message);
bool __wrap_domm_channel_send(struct domm_channel *channel, const void *message)
{
    struct domm_reply event;
    struct domm_error err;
    (void)channel;
    assert_int_equal(domm_reply_decode(message, &event, &err), 0);
    *(event.type == DOMM_EVENT_REGION ? &world.last_region : &world.last_pages) = event;
    world.events++;
    return true;
}

/* Gives the target a frame at a gfn. */
static void give(uint64_t mfn, uint64_t gfn)
{
    world.owner[mfn] = target->domid;
    world.m2p[mfn] = gfn;
}

/* A target of 40 pages, mapped in a view of 100 frames. */
static int start(void **state)
{
    const struct domm_region at = {.va = VA, .l1_mfn = 0x99};
    struct domm_error err;
    (void)state;
    memset(&world, 0, sizeof(world));
    memset(world.m2p, 0xff, sizeof(world.m2p));
    world.now_ms = 1000000;
    domm_log_init(&service.log, stderr, "test");
    service.log.minimum = DOMM_LOG_LEVELS;
    assert_int_equal(sd_event_new(&service.event), 0);
    monitor = (struct monitor){.service = &service,
                               .domid = 7,
                               .name = (char[]){"monitor"},
                               .lines = {.bucket = {.rate = 1}},
                               .n_targets = 1};
    assert_int_equal(event_loop_add_timer(service.event, NULL, NULL, &monitor.turn_timer, &err), 0);
    assert_int_equal(event_loop_add_timer(service.event, NULL, NULL, &monitor.reclaim_timer, &err),
                     0);
    *target = (struct served_target){.domid = 5, .translated = true, .name = "web"};
    target->followed = calloc(1, sizeof(*target->followed));
    assert_non_null(target->followed);
    *target->followed = (struct followed){.frames = FRAMES,
                                          .search_at = DOMM_SEARCH_END,
                                          .searched = true,
                                          .at_once = DOMM_SEARCH_FRAMES};
    client->follows = true;
    assert_int_equal(region_add(&monitor, client, &at), 0);
    region = monitor.regions[0];
    region->domid = 5;
    for (uint64_t gfn = 0; gfn < FRAMES; gfn++)
        region->gfns[1 + gfn] = gfn;
    for (uint64_t gfn = 0; gfn < 40; gfn++) {
        give(1000 + gfn, gfn);
        region->mfns[1 + gfn] = 1000 + gfn;
    }
    return 0;
}

static int stop(void **state)
{
    (void)state;
    followed_free(target);
    regions_free(&monitor);
    sd_event_source_disable_unref(monitor.turn_timer);
    sd_event_source_disable_unref(monitor.reclaim_timer);
    service.event = sd_event_unref(service.event);
    return 0;
}

static void look(unsigned times)
{
    while (times--) {
        world.now_ms += FOLLOW_MS;
        follow_targets(&service, &monitor);
        news_send(&monitor, client);
    }
}

static void what_does_not_change_is_left_alone(void **state)
{
    (void)state;
    look(50);
    assert_int_equal(world.remaps, 0);
    assert_int_equal(world.asked, 40); /* once, what each page is */
    assert_int_equal(target->followed->owned, 40);
    assert_int_equal(target->followed->seen, 40);
    assert_string_equal(world.text, "40 40 0 0 0 0");
    assert_int_equal(world.last_pages.count, 40);
}

/* Its shared_info is no page that Xen counts. */
static void a_page_of_xens_is_not_counted(void **state)
{
    (void)state;
    world.xens = 1007;
    look(1);
    assert_int_equal(target->followed->owned, 39);
    assert_int_equal(target->followed->seen, 39);
    world.owner[3000] = 5; /* nor does it make up for one that is hidden */
    look(50);
    assert_int_equal(target->followed->hidden, 1);
}

/* Five times, with everything mapped. */
static void a_balloon_works_in_both_directions(void **state)
{
    (void)state;
    for (uint64_t round = 0; round < 5; round++) {
        for (uint64_t gfn = 10; gfn < 30; gfn++)
            world.m2p[p2m(5, gfn)] = DOMM_NO_FRAME;
        look(1);
        assert_int_equal(region->mfns[1 + 20], DOMM_NO_FRAME);
        assert_int_equal(region->mfns[1 + 35], 1000 + 35);
        assert_false(domm_bit_get(world.last_region.valid, 1 + 20));
        assert_true(domm_bit_get(world.last_region.valid, 1 + 35));
        assert_int_equal(world.last_region.frames, VA);
        look(1);
        assert_int_equal(target->followed->owned, 20); /* Xen has the pages back */
        for (uint64_t gfn = 10; gfn < 30; gfn++)
            give(2000 + 100 * round + gfn, gfn);
        look(3);
        assert_int_equal(region->mfns[1 + 20], 2000 + 100 * round + 20);
        assert_true(domm_bit_get(world.last_region.valid, 1 + 20));
    }
    look(15);
    assert_int_equal(target->followed->seen, 40);
    assert_string_equal(world.text, "40 40 0 100 100 0");
}

/* XENMAPSPACE_gmfn: B's frame behind A, nothing behind B. */
static void a_decoy_is_replaced_by_what_is_there(void **state)
{
    (void)state;
    world.m2p[1003] = DOMM_NO_FRAME; /* A's old frame */
    world.m2p[1008] = 3;
    look(1);
    assert_int_equal(region->mfns[1 + 3], 1008);
    assert_int_equal(region->mfns[1 + 8], DOMM_NO_FRAME);
    assert_true(domm_bit_get(world.last_region.valid, 1 + 3));
    assert_false(domm_bit_get(world.last_region.valid, 1 + 8));
    assert_int_equal(target->followed->changes.replaced, 1);
    assert_int_equal(target->followed->changes.gone, 1);
    look(1);
    assert_int_equal(target->followed->owned, 39);
}

static void a_page_beyond_the_view_is_found(void **state)
{
    (void)state;
    world.m2p[1008] = HIGH;
    world.owner[3000] = 6; /* somebody else's, at the same place and at others */
    world.m2p[3000] = HIGH + 1;
    world.owner[3001] = 6;
    world.m2p[3001] = HIGH;
    look(3);
    assert_int_equal(target->followed->n_beyond, 1);
    assert_int_equal(target->followed->beyond[0], HIGH);
    assert_int_equal(world.last_pages.frames, 1);
    region->gfns[200] = HIGH; /* the process asks for it */
    region->mfns[200] = 1008;
    look(50);
    assert_int_equal(target->followed->n_beyond, 1);
    assert_int_equal(target->followed->seen, 40);
    assert_int_equal(target->followed->hidden, 0);
    world.m2p[1008] = DOMM_NO_FRAME;
    look(1);
    assert_int_equal(region->mfns[200], DOMM_NO_FRAME);
}

static void what_is_owned_and_not_seen_is_hidden(void **state)
{
    (void)state;
    world.owner[3000] = 5; /* no gfn leads there */
    look(1);
    assert_int_equal(target->followed->hidden, 0);
    look(50);
    assert_int_equal(target->followed->hidden, 1);
    assert_string_equal(world.text, "41 40 1 0 0 0");
    world.owner[3000] = 0;
    look(12);
    assert_string_equal(world.text, "40 40 0 0 0 0");
}

/* It may be mapped, from before it was migrated. */
static void what_is_not_claimed_yet_is_not_hidden(void **state)
{
    (void)state;
    world.owner[3000] = 5;
    event_timer_set(monitor.reclaim_timer, 100000);
    look(60);
    assert_int_equal(target->followed->hidden, 0);
    event_timer_set(monitor.reclaim_timer, -1);
    look(12);
    assert_int_equal(target->followed->hidden, 1);
}

/* The search becomes rarer, and asks for nothing that is mapped. */
static void a_search_in_vain_is_cheap(void **state)
{
    (void)state;
    world.owner[3000] = 5;
    target->followed->searched = false;
    give(1039, 0xfefff); /* where the console is */
    look(300);
    assert_int_equal(target->followed->n_beyond, 1);
    assert_in_range(world.asked, 1, DOMM_SEARCH_LATER + 100);
}

/* As with guest_loglvl=all and a serial line. */
static void a_slow_search_keeps_nobody_waiting(void **state)
{
    (void)state;
    world.owner[3000] = 5;
    world.frame_ms = 1;
    target->followed->searched = false;
    look(10); /* it may have to learn how slow Xen is */
    for (int i = 0; i < 2000;
         i++) { /* several passes: through what is asked for, and what is not */
        uint64_t begin_ms = world.now_ms;
        look(1);
        assert_in_range(world.now_ms - begin_ms, 1, 200);
    }
}

static void a_frame_is_counted_once(void **state)
{
    (void)state;
    region->gfns[300] = 7;
    region->mfns[300] = 1007;
    world.owner[3000] = 5;
    look(50);
    assert_int_equal(target->followed->seen, 40);
    assert_int_equal(target->followed->hidden, 1);
}

/* After a migration that was given up, what dommd knows of the tables may not be so. */
static void doubted_regions_are_mapped_anew(void **state)
{
    (void)state;
    regions_doubt(&monitor);
    look(1);
    assert_int_equal(world.remaps, 1);
    assert_int_equal(region->mfns[1 + 20], 1020);
    look(5);
    assert_int_equal(world.remaps, 1);
}

/* A PV target's tables are its own to write. Its frames are found by their owner. */
static void frames_that_a_pv_target_does_not_name_are_found(void **state)
{
    (void)state;
    uint64_t mfns[FRAMES];
    for (uint64_t gfn = 0; gfn < FRAMES; gfn++)
        mfns[gfn] = gfn < 40 ? 1000 + gfn : DOMM_NO_FRAME;
    target->translated = false;
    target->layout = (struct domm_layout){.count = FRAMES, .mfns = mfns};
    mfns[8] = DOMM_NO_FRAME; /* it says to have given it back */
    world.m2p[1008] = DOMM_NO_FRAME - 1;
    look(10);
    /* Not at once: pages are missing while a monitor claims its mappings after a migration. */
    assert_int_equal(target->followed->n_beyond, 0);
    look(40);
    assert_int_equal(region->mfns[1 + 8], DOMM_NO_FRAME);
    assert_int_equal(target->followed->n_beyond, 1);
    assert_int_equal(target->followed->beyond[0], DOMM_BY_MFN | 1008);
    region->gfns[200] = DOMM_BY_MFN | 1008;
    region->mfns[200] = 1008;
    look(20);
    assert_int_equal(region->mfns[200], 1008); /* let go of, and mapped again */
    assert_in_range(world.remaps, 2, 4);
    assert_int_equal(target->followed->seen, 40);
    world.m2p[1008] = DOMM_NO_FRAME; /* now it really has */
    look(11);
    assert_int_equal(region->mfns[200], DOMM_NO_FRAME);
    assert_int_equal(target->followed->owned, 39);
    target->layout = (struct domm_layout){0};
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_does_not_change_is_left_alone, start, stop),
        cmocka_unit_test_setup_teardown(a_page_of_xens_is_not_counted, start, stop),
        cmocka_unit_test_setup_teardown(a_balloon_works_in_both_directions, start, stop),
        cmocka_unit_test_setup_teardown(a_decoy_is_replaced_by_what_is_there, start, stop),
        cmocka_unit_test_setup_teardown(a_page_beyond_the_view_is_found, start, stop),
        cmocka_unit_test_setup_teardown(what_is_owned_and_not_seen_is_hidden, start, stop),
        cmocka_unit_test_setup_teardown(what_is_not_claimed_yet_is_not_hidden, start, stop),
        cmocka_unit_test_setup_teardown(a_search_in_vain_is_cheap, start, stop),
        cmocka_unit_test_setup_teardown(a_slow_search_keeps_nobody_waiting, start, stop),
        cmocka_unit_test_setup_teardown(a_frame_is_counted_once, start, stop),
        cmocka_unit_test_setup_teardown(doubted_regions_are_mapped_anew, start, stop),
        cmocka_unit_test_setup_teardown(frames_that_a_pv_target_does_not_name_are_found, start,
                                        stop),
    };
    return cmocka_run_group_tests_name("follow", tests, NULL, NULL);
}
