/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a scan finds in page tables, and that a monitor that cannot be scanned loses what is known,
 * on a Xen that is made up. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "cmd/dommd/monitor.h"
#include "cmd/dommd/regions.h"
#include "cmd/dommd/revoke.h"
#include "lib/mapping/mapping.h"
#include "lib/mapping/scan.h"
#include "lib/pair/locks.h"

#define MONITOR 7

enum { OWN = 10, TABLE, SHARED_INFO = 20, RELEASED, NAMED, MFNS = 32 };

static uint64_t entries[DOMM_PTES], pages[DOMM_PTES * DOMM_PTES];
static const uint64_t mfns[] = {OWN, TABLE};
static enum domm_page_kind kinds[] = {DOMM_PAGE_ORDINARY, DOMM_PAGE_L1};
static uint64_t m2p[MFNS];

static struct {
    int error; /* of asking for a frame of somebody else */
    int sweep;
    size_t cleared;
} world;

int __wrap_domm_hv_layout(struct domm_hv *hv, uint32_t domid, struct domm_layout *layout_r,
                          struct domm_error *err);
int __wrap_domm_hv_layout(struct domm_hv *hv, uint32_t domid, struct domm_layout *layout_r,
                          struct domm_error *err)
{
    (void)hv;
    (void)domid;
    (void)err;
    *layout_r = (struct domm_layout){.count = 2, .mfns = mfns, .kinds = kinds};
    return 0;
}

void __wrap_domm_hv_layout_free(struct domm_hv *hv, struct domm_layout *layout);
void __wrap_domm_hv_layout_free(struct domm_hv *hv, struct domm_layout *layout)
{
    (void)hv;
    (void)layout;
}

int __wrap_domm_hv_m2p(struct domm_hv *hv, const uint64_t **m2p_r, size_t *count_r,
                       struct domm_error *err);
int __wrap_domm_hv_m2p(struct domm_hv *hv, const uint64_t **m2p_r, size_t *count_r,
                       struct domm_error *err)
{
    (void)hv;
    (void)err;
    *m2p_r = m2p;
    *count_r = MFNS;
    return 0;
}

int __wrap_domm_hv_pages(struct domm_hv *hv, uint32_t domid, uint64_t *pages_r,
                         struct domm_error *err);
int __wrap_domm_hv_pages(struct domm_hv *hv, uint32_t domid, uint64_t *pages_r,
                         struct domm_error *err)
{
    (void)hv;
    (void)domid;
    (void)err;
    *pages_r = 2;
    return 0;
}

void *__wrap_domm_hv_map(struct domm_hv *hv, uint32_t domid, const uint64_t *frames, size_t count,
                         int *errors);
void *__wrap_domm_hv_map(struct domm_hv *hv, uint32_t domid, const uint64_t *frames, size_t count,
                         int *errors)
{
    (void)hv;
    assert_int_equal(domid, MONITOR);
    for (size_t i = 0; i < count; i++) {
        bool own = frames[i] == OWN || frames[i] == TABLE || frames[i] == SHARED_INFO;
        errors[i] = own ? 0 : world.error;
    }
    return frames[0] == TABLE ? entries : pages;
}

void __wrap_domm_hv_unmap(struct domm_hv *hv, void *unused, size_t count);
void __wrap_domm_hv_unmap(struct domm_hv *hv, void *unused, size_t count)
{
    (void)hv;
    (void)unused;
    (void)count;
}

int __wrap_domm_sweep(struct domm_hv *hv, uint32_t domid, domm_keep keep, const void *context,
                      struct domm_sweep *sweep_r, struct domm_error *err);
int __wrap_domm_sweep(struct domm_hv *hv, uint32_t domid, domm_keep keep, const void *context,
                      struct domm_sweep *sweep_r, struct domm_error *err)
{
    (void)hv;
    (void)domid;
    (void)keep;
    (void)context;
    *sweep_r = (struct domm_sweep){0};
    return world.sweep ? domm_fail(err, DOMM_FAILED, "cannot be scanned") : 0;
}

int __wrap_domm_mapping_clear(struct domm_hv *hv, uint32_t domid, const struct domm_region *region,
                              uint32_t first, uint32_t count, struct domm_error *err);
int __wrap_domm_mapping_clear(struct domm_hv *hv, uint32_t domid, const struct domm_region *region,
                              uint32_t first, uint32_t count, struct domm_error *err)
{
    (void)hv;
    (void)domid;
    (void)err;
    (void)region;
    assert_int_equal(first, 1);
    world.cleared += count;
    return 0;
}

bool __wrap_domm_hv_alive(struct domm_hv *hv, uint32_t domid);
bool __wrap_domm_hv_alive(struct domm_hv *hv, uint32_t domid)
{
    (void)hv;
    (void)domid;
    return true;
}

bool __wrap_domm_guest_lock(int locks, enum domm_guest_lock kind, const struct domm_uuid *guest);
bool __wrap_domm_guest_lock(int locks, enum domm_guest_lock kind, const struct domm_uuid *guest)
{
    (void)locks;
    (void)kind;
    (void)guest;
    return true;
}

void __wrap_domm_guest_unlock(int locks, enum domm_guest_lock kind, const struct domm_uuid *guest);
void __wrap_domm_guest_unlock(int locks, enum domm_guest_lock kind, const struct domm_uuid *guest)
{
    (void)locks;
    (void)kind;
    (void)guest;
}

static int start(void **state)
{
    (void)state;
    memset(&world, 0, sizeof(world));
    memset(m2p, 0xff, sizeof(m2p));
    memset(entries, 0, sizeof(entries));
    world.error = EINVAL;
    m2p[OWN] = 0;
    m2p[TABLE] = 1;
    m2p[NAMED] = 0x123;
    entries[1] = (uint64_t)OWN << 12 | DOMM_PTE_PRESENT | DOMM_PTE_WRITABLE;
    entries[2] = (uint64_t)SHARED_INFO << 12 | DOMM_PTE_PRESENT | DOMM_PTE_WRITABLE;
    entries[3] = domm_pte_mapping(NAMED);
    entries[4] = (uint64_t)RELEASED << 12; /* not present */
    return 0;
}

static struct domm_scan scan(void)
{
    struct domm_scan found;
    struct domm_error err;
    assert_int_equal(domm_scan(NULL, MONITOR, &found, &err), 0);
    return found;
}

static void what_is_the_monitors_is_not_foreign(void **state)
{
    (void)state;
    struct domm_scan found = scan();
    assert_int_equal(found.count, 1);
    assert_int_equal(found.foreign[0].slot, 3);
    assert_int_equal(found.foreign[0].gfn, 0x123);
    assert_int_equal(found.nameless, 1);
    domm_scan_free(&found);
}

/* The monitor can set and clear most flags of its entries, and a target can release a frame. */
static void a_released_frame_is_foreign_whatever_the_flags(void **state)
{
    (void)state;
    static const uint64_t changes[] = {0, 0x40, 0x20, 0x200, 0x100, 4, UINT64_C(1) << 63, 0xe00};
    for (size_t i = 0; i < COUNT(changes); i++) {
        entries[9] = domm_pte_mapping(RELEASED) ^ changes[i];
        struct domm_scan found = scan();
        assert_int_equal(found.count, 2);
        assert_int_equal(found.foreign[1].slot, 9);
        assert_int_equal(found.foreign[1].mfn, RELEASED);
        assert_int_equal(found.foreign[1].gfn, DOMM_NO_FRAME);
        assert_int_equal(found.nameless, 1);
        domm_scan_free(&found);
    }
}

/* To take a frame of the monitor for foreign would take it from its kernel. */
static void an_owner_that_cannot_be_asked_fails_the_scan(void **state)
{
    (void)state;
    struct domm_scan found;
    struct domm_error err;
    entries[9] = domm_pte_mapping(RELEASED);
    world.error = ENOMEM;
    assert_int_equal(domm_scan(NULL, MONITOR, &found, &err), -DOMM_FAILED);
    assert_contains(err.text, "owner");
}

/* The monitor has two targets' regions, and may have the second target only. */
static void what_is_known_is_taken_back_without_a_scan(void **state)
{
    (void)state;
    static struct service service;
    struct monitor monitor = {.service = &service, .domid = MONITOR, .name = (char[]){"monitor"}};
    domm_log_init(&service.log, stderr, "test");
    service.log.minimum = DOMM_LOG_LEVELS;
    for (uint32_t i = 0; i < 2; i++) {
        const struct domm_region at = {.va = (i + 1) * DOMM_REGION_BYTES, .l1_mfn = i};
        assert_int_equal(region_add(&monitor, NULL, &at), 0);
        monitor.regions[i]->domid = 5 + i;
        monitor.regions[i]->mfns[1] = NAMED;
    }
    monitor.n_targets = 1;
    monitor.targets[0].domid = 6;
    world.sweep = 1;
    monitor_sweep(&service, &monitor, "the test says so", false);
    assert_int_equal(world.cleared, DOMM_REGION_SLOTS);
    assert_int_equal(monitor.regions[0]->mfns[1], DOMM_NO_FRAME);
    assert_int_equal(monitor.regions[1]->mfns[1], NAMED);
    assert_true(monitor.needs_rescan);
    monitor_sweep(&service, &monitor, "the test says so", true);
    assert_int_equal(world.cleared, 2 * DOMM_REGION_SLOTS);
    assert_int_equal(monitor.regions[1]->mfns[1], DOMM_NO_FRAME);
    world.sweep = 0;
    monitor_sweep(&service, &monitor, "the test says so", true);
    assert_false(monitor.needs_rescan);
    regions_free(&monitor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_is_the_monitors_is_not_foreign, start),
        cmocka_unit_test_setup(a_released_frame_is_foreign_whatever_the_flags, start),
        cmocka_unit_test_setup(an_owner_that_cannot_be_asked_fails_the_scan, start),
        cmocka_unit_test_setup(what_is_known_is_taken_back_without_a_scan, start),
    };
    return cmocka_run_group_tests_name("scan", tests, NULL, NULL);
}
