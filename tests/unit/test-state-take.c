/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which target a monitor's entry maps is found out by writing it: whatever fails meanwhile, no
 * entry is left with a frame of another target. Page tables and Xen are made up. */
#include "tests/unit/unit.h"

#include "lib/mapping/mapping_state.h"
#include "lib/mapping/scan.h"

enum { MONITOR = 10, A = 11, B = 12 };
#define TABLE 0x500
#define FRAME(target, gfn) (((uint64_t)(target) << 20) + (gfn))
#define FLAGS DOMM_PTE_MAPPING

static uint64_t table[512];
static int updates_until_failure; /* -1: none fails */
static struct domm_foreign foreign[2];

int __wrap_domm_scan(struct domm_hv *hv, uint32_t monitor, struct domm_scan *scan_r,
                     struct domm_error *err);
int __wrap_domm_scan(struct domm_hv *hv, uint32_t monitor, struct domm_scan *scan_r,
                     struct domm_error *err)
{
    (void)hv;
    (void)err;
    assert_int_equal(monitor, MONITOR);
    *scan_r = (struct domm_scan){.foreign = foreign, .count = COUNT(foreign), .tables = 1};
    return 0;
}

void __wrap_domm_scan_free(struct domm_scan *scan);
void __wrap_domm_scan_free(struct domm_scan *scan)
{
    (void)scan;
}

int __wrap_domm_hv_kinds(struct domm_hv *hv, uint32_t domid, const uint64_t *frames, size_t count,
                         enum domm_page_kind *kinds_r, struct domm_error *err);
int __wrap_domm_hv_kinds(struct domm_hv *hv, uint32_t domid, const uint64_t *frames, size_t count,
                         enum domm_page_kind *kinds_r, struct domm_error *err)
{
    (void)hv;
    (void)domid;
    (void)frames;
    (void)err;
    for (size_t i = 0; i < count; i++)
        kinds_r[i] = DOMM_PAGE_ORDINARY;
    return 0;
}

void *__wrap_domm_hv_map(struct domm_hv *hv, uint32_t domid, const uint64_t *frames, size_t count,
                         int *errors);
void *__wrap_domm_hv_map(struct domm_hv *hv, uint32_t domid, const uint64_t *frames, size_t count,
                         int *errors)
{
    (void)hv;
    (void)domid;
    (void)count;
    *errors = 0;
    assert_int_equal(frames[0], TABLE);
    return table;
}

void __wrap_domm_hv_unmap(struct domm_hv *hv, void *pages, size_t count);
void __wrap_domm_hv_unmap(struct domm_hv *hv, void *pages, size_t count)
{
    (void)hv;
    (void)pages;
    (void)count;
}

/* A gfn of a translated target becomes that target's frame. */
int __wrap_domm_hv_update(struct domm_hv *hv, uint32_t table_owner, uint32_t frame_owner,
                          struct domm_pte_update *updates, size_t count, size_t *done_r,
                          struct domm_error *err);
int __wrap_domm_hv_update(struct domm_hv *hv, uint32_t table_owner, uint32_t frame_owner,
                          struct domm_pte_update *updates, size_t count, size_t *done_r,
                          struct domm_error *err)
{
    (void)hv;
    assert_int_equal(table_owner, MONITOR);
    *done_r = 0;
    if (updates_until_failure == 0 && frame_owner != MONITOR)
        return domm_fail(err, DOMM_FAILED, "Xen is busy");
    updates_until_failure -= updates_until_failure > 0 && frame_owner != MONITOR;
    for (size_t i = 0; i < count; i++) {
        uint64_t value = updates[i].value;
        if (frame_owner != MONITOR && value)
            value = FRAME(frame_owner, domm_pte_frame(value)) << 12 | FLAGS;
        table[updates[i].slot] = value;
        updates[i].error = 0;
        (*done_r)++;
    }
    return 0;
}

static void map(size_t i, unsigned target, uint64_t gfn)
{
    foreign[i] = (struct domm_foreign){.l1_pfn = 5,
                                       .l1_mfn = TABLE,
                                       .slot = (uint32_t)i,
                                       .mfn = FRAME(target, gfn),
                                       .gfn = gfn,
                                       .flags = FLAGS};
    table[i] = FRAME(target, gfn) << 12 | FLAGS;
}

static bool late[2]; /* of the first runs that were taken */

static int take(int until_failure)
{
    static const struct domm_uuid uuids[] = {{{1}}, {{2}}};
    static struct domm_mapping_target targets[] = {{.domid = A}, {.domid = B}};
    const struct domm_mapping_pair pair = {
        .monitor = MONITOR, .n_targets = 2, .targets = targets, .uuids = uuids};
    struct domm_mapping_state state;
    struct domm_error err = {0};
    updates_until_failure = until_failure;
    int rc = domm_mapping_state_take(NULL, &pair, &state, &err);
    for (size_t i = 0; !rc && i < COUNT(late); i++)
        late[i] = i < state.n_runs && state.runs[i].late;
    if (!rc)
        domm_mapping_state_free(&state);
    return rc;
}

static void each_entry_keeps_its_frame(void **state)
{
    (void)state;
    map(0, A, 0x30);
    map(1, B, 0x31);
    assert_int_equal(take(-1), 0);
    assert_int_equal(domm_pte_frame(table[0]), FRAME(A, 0x30));
    assert_int_equal(domm_pte_frame(table[1]), FRAME(B, 0x31));
}

/* The toolstack makes its pages in the hole below 4 GiB anew. */
static void a_page_in_the_hole_need_not_be_there(void **state)
{
    (void)state;
    map(0, A, 0xfeff8);
    map(1, B, 0x20000);
    assert_int_equal(take(-1), 0);
    assert_true(late[0]);
    assert_false(late[1]);
}

static void a_failure_leaves_no_frame_of_another_target(void **state)
{
    (void)state;
    map(0, A, 0x30);
    map(1, B, 0x31);
    assert_int_equal(take(1), -DOMM_FAILED);
    assert_int_equal(domm_pte_frame(table[0]), FRAME(A, 0x30));
    assert_int_equal(table[1], 0);
    map(0, A, 0x30);
    map(1, 13, 0x31); /* another domain's */
    assert_int_equal(take(-1), -DOMM_REFUSED);
    assert_int_equal(table[1], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_entry_keeps_its_frame),
        cmocka_unit_test(a_page_in_the_hole_need_not_be_there),
        cmocka_unit_test(a_failure_leaves_no_frame_of_another_target),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
