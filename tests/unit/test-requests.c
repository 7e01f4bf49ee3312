/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What dommd answers to a monitor's requests, on a Xen that is made up (the linker puts the
 * functions called __wrap_… in place of the real ones). */
#include "tests/unit/unit.h"

#include "cmd/dommd/followed.h"
#include "cmd/dommd/monitor.h"
#include "cmd/dommd/regions.h"
#include "cmd/dommd/requests.h"
#include "lib/mapping/mapping.h"
#include "lib/xen/hv_internal.h"
#include "lib/xen/store.h"

#define VA UINT64_C(0x7f1234600000)

static struct domm_hv hv;
static struct service service = {.hv = &hv};
static struct monitor monitor;
static struct client client;

static struct {
    xc_domaininfo_t info;
    uint64_t static_max, on_demand, stored;
    const char *node;
    unsigned mapped;
} world;

bool __wrap_domm_hv_domain(struct domm_hv *unused, uint32_t domid, xc_domaininfo_t *info_r);
bool __wrap_domm_hv_domain(struct domm_hv *unused, uint32_t domid, xc_domaininfo_t *info_r)
{
    (void)unused;
    *info_r = world.info;
    return domid == world.info.domain;
}

bool __wrap_domm_hv_alive(struct domm_hv *unused, uint32_t domid);
bool __wrap_domm_hv_alive(struct domm_hv *unused, uint32_t domid)
{
    (void)unused;
    return domid == world.info.domain;
}

int __wrap_xc_domain_get_pod_target(xc_interface *control, uint32_t domid, uint64_t *total,
                                    uint64_t *stored, uint64_t *entries);
int __wrap_xc_domain_get_pod_target(xc_interface *control, uint32_t domid, uint64_t *total,
                                    uint64_t *stored, uint64_t *entries)
{
    (void)control;
    (void)domid;
    *total = 0;
    *stored = world.stored;
    *entries = world.on_demand;
    return 0;
}

void *__wrap_xs_read(struct xs_handle *xs, uint32_t transaction, const char *path,
                     unsigned int *length);
void *__wrap_xs_read(struct xs_handle *xs, uint32_t transaction, const char *path,
                     unsigned int *length)
{
    (void)xs;
    (void)transaction;
    assert_string_equal(path, "/local/domain/5/memory/static-max");
    (void)length;
    return world.node ? strdup(world.node) : NULL;
}

uint64_t __real_domm_store_static_max(struct domm_store *store, uint32_t domid);
uint64_t __wrap_domm_store_static_max(struct domm_store *store, uint32_t domid);
uint64_t __wrap_domm_store_static_max(struct domm_store *store, uint32_t domid)
{
    (void)store;
    (void)domid;
    return world.static_max;
}

int __wrap_domm_mapping_write(struct domm_hv *unused, uint32_t domid,
                              const struct domm_region *region,
                              const struct domm_mapping_target *target,
                              const uint64_t gfns[DOMM_PTES], uint64_t mfns_r[DOMM_PTES],
                              struct domm_error *err);
int __wrap_domm_mapping_write(struct domm_hv *unused, uint32_t domid,
                              const struct domm_region *region,
                              const struct domm_mapping_target *target,
                              const uint64_t gfns[DOMM_PTES], uint64_t mfns_r[DOMM_PTES],
                              struct domm_error *err)
{
    (void)unused;
    (void)domid;
    (void)region;
    (void)target;
    (void)err;
    for (uint32_t i = 0; i < DOMM_PTES; i++) {
        mfns_r[i] = gfns[i] == DOMM_NO_FRAME ? DOMM_NO_FRAME : 0x1000 + gfns[i];
        world.mapped += gfns[i] != DOMM_NO_FRAME;
    }
    return 0;
}

static int start(void **state)
{
    const struct domm_region at = {.va = VA, .l1_mfn = 0x99};
    (void)state;
    memset(&world, 0, sizeof(world));
    world.info =
        (xc_domaininfo_t){.domain = 5, .flags = XEN_DOMINF_hvm_guest, .max_pages = 160 * 256 + 256};
    world.static_max = 160 * 256;
    client = (struct client){.greeted = true};
    monitor = (struct monitor){.service = &service,
                               .domid = 7,
                               .name = (char[]){"monitor"},
                               .lines = {.bucket = {.rate = 1}}};
    monitor.n_targets = 1;
    monitor.targets[0] = (struct served_target){.domid = 5, .translated = true, .name = "web"};
    domm_log_init(&service.log, stderr, "test");
    service.log.minimum = DOMM_LOG_LEVELS;
    return region_add(&monitor, &client, &at);
}

static int stop(void **state)
{
    (void)state;
    followed_free(&monitor.targets[0]);
    regions_free(&monitor);
    return 0;
}

static struct domm_reply ask(struct domm_request request)
{
    struct domm_reply reply;
    request.id = 1;
    request_serve(&service, &monitor, &client, &request, &reply);
    return reply;
}

static const struct domm_request map_all = {
    .type = DOMM_REQUEST_MAP, .va = VA, .slot = 1, .count = 511};

/* `xl mem-set` lowers what Xen allows, not what the target may have. */
static void a_view_is_as_large_as_the_target_may_become(void **state)
{
    (void)state;
    const struct domm_request target = {.type = DOMM_REQUEST_TARGET};
    uint64_t frames;
    struct domm_error err;
    world.info.max_pages = 110 * 256 + 256;
    assert_int_equal(ask(target).frames, 160 * 256 + 256);
    assert_true(ask(target).attached);
    world.static_max = 0; /* and stays so large while the domain is the same */
    assert_int_equal(ask(target).frames, 160 * 256 + 256);
    assert_int_equal(domm_hv_frames(&hv, 5, 0, &frames, &err), 0);
    assert_int_equal(frames, 110 * 256 + 256);
    world.info.tot_pages = 120 * 256;
    assert_int_equal(domm_hv_frames(&hv, 5, 0, &frames, &err), 0);
    assert_int_equal(frames, 120 * 256);
    world.info.domain = 6;
    assert_int_equal(domm_hv_frames(&hv, 5, 0, &frames, &err), -DOMM_NOT_FOUND);
    assert_false(ask(target).attached);
}

/* Pages beyond the view are asked for by their index. */
static void pages_beyond_are_mapped_by_their_index(void **state)
{
    (void)state;
    struct domm_request beyond = {
        .type = DOMM_REQUEST_BEYOND, .va = VA, .slot = 5, .count = 3, .gfn = 1};
    struct followed *followed = followed_of(&service, &monitor.targets[0]);
    assert_non_null(followed);
    assert_true(followed_add_beyond(followed, 0x200000));
    assert_true(followed_add_beyond(followed, 0xfeff8));
    assert_false(followed_add_beyond(followed, 0x200000));
    assert_true(followed_add_beyond(followed, 0x100000));
    struct domm_reply reply = ask(beyond);
    assert_int_equal(reply.status, DOMM_STATUS_OK);
    assert_int_equal(reply.count, 2);
    assert_int_equal(reply.valid[0], 0x60);
    assert_int_equal(monitor.regions[0]->gfns[5], 0xfeff8);
    assert_int_equal(monitor.regions[0]->gfns[6], 0x100000);
    assert_int_equal(monitor.regions[0]->gfns[7], DOMM_NO_FRAME);
    followed_free(&monitor.targets[0]);
    assert_int_equal(ask(beyond).count, 0);
}

static void who_follows_is_owed_the_numbers(void **state)
{
    (void)state;
    const struct domm_request target = {.type = DOMM_REQUEST_TARGET};
    ask(target);
    assert_false(client.owed_pages);
    client.greeted = false;
    ask((struct domm_request){.type = DOMM_REQUEST_HELLO, .count = DOMM_FOLLOWS});
    ask(target);
    assert_true(client.owed_pages);
}

static void ram_goes_on_above_the_hole(void **state)
{
    (void)state;
    assert_int_equal(domm_frames_with_hole(0xeffff), 0xeffff);
    assert_int_equal(domm_frames_with_hole(0xf0000), 0x100000);
    assert_int_equal(domm_frames_with_hole(0x100000), 0x110000);
    assert_false(domm_frame_in_hole(0xeffff));
    assert_true(domm_frame_in_hole(0xf0000));
    assert_true(domm_frame_in_hole(0xfffff));
    assert_false(domm_frame_in_hole(0x100000));
}

static void the_static_maximum_is_parsed(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t pages;
    } nodes[] = {{"163840", 40960}, {"0", 0},  {NULL, 0},  {"", 0},
                 {"-4", 0},         {"4x", 0}, {" 40", 0}, {"99999999999999999999", 0}};
    struct domm_store *store = calloc(1, 64);
    assert_non_null(store);
    for (size_t i = 0; i < COUNT(nodes); i++) {
        world.node = nodes[i].text;
        assert_int_equal(__real_domm_store_static_max(store, 5), nodes[i].pages);
    }
    free(store);
}

static void what_is_populated_on_demand_is_not_mapped_while_pages_are_missing(void **state)
{
    (void)state;
    world.on_demand = 3;
    assert_int_equal(ask(map_all).status, DOMM_STATUS_NO_TARGET);
    world.stored = 2;
    assert_int_equal(ask(map_all).status, DOMM_STATUS_NO_TARGET);
    assert_int_equal(world.mapped, 0);
    world.stored = 3;
    world.on_demand = 0; /* it is being built */
    assert_int_equal(ask(map_all).status, DOMM_STATUS_NO_TARGET);
    assert_int_equal(world.mapped, 0);
    world.on_demand = 3;
    world.info.cpu_time = 1;
    assert_int_equal(ask(map_all).status, DOMM_STATUS_OK);
    assert_int_equal(world.mapped, 511);
}

/* Xen has the question for translated guests only. */
static void no_page_of_a_pv_guest_is_missing(void **state)
{
    (void)state;
    uint64_t missing = 1;
    struct domm_error err;
    world.on_demand = 3;
    assert_int_equal(domm_hv_missing_pages(&hv, 5, &missing, &err), 0);
    assert_int_equal(missing, 3);
    world.info.flags = 0;
    assert_int_equal(domm_hv_missing_pages(&hv, 5, &missing, &err), 0);
    assert_int_equal(missing, 0);
    assert_int_equal(domm_hv_missing_pages(&hv, 6, &missing, &err), -DOMM_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_view_is_as_large_as_the_target_may_become, start, stop),
        cmocka_unit_test_setup_teardown(pages_beyond_are_mapped_by_their_index, start, stop),
        cmocka_unit_test_setup_teardown(who_follows_is_owed_the_numbers, start, stop),
        cmocka_unit_test(ram_goes_on_above_the_hole),
        cmocka_unit_test_setup_teardown(the_static_maximum_is_parsed, start, stop),
        cmocka_unit_test_setup_teardown(
            what_is_populated_on_demand_is_not_mapped_while_pages_are_missing, start, stop),
        cmocka_unit_test_setup_teardown(no_page_of_a_pv_guest_is_missing, start, stop),
    };
    return cmocka_run_group_tests_name("requests", tests, NULL, NULL);
}
