/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Page-table entries, walking made-up tables, telling own frames from foreign ones. */
#include "tests/unit/unit.h"

#include "lib/mapping/mapping.h"
#include "lib/mapping/pte.h"
#include "lib/mapping/scan.h"
#include "lib/mapping/walk.h"

#define P DOMM_PTE_PRESENT
#define TABLES 16

static uint64_t tables[TABLES][DOMM_PTES];
static size_t reads;

static void read_made_up(void *context, const uint64_t *mfns, size_t count, unsigned int index,
                         uint64_t *entries_r)
{
    (void)context;
    for (size_t i = 0; i < count; i++) {
        reads++;
        entries_r[i] = mfns[i] < TABLES ? tables[mfns[i]][index] : 0;
    }
}

/* va 0x7f1234600000 by hand: L4 254, L3 72, L2 419, L1 0. */
#define VA UINT64_C(0x7f1234600000)

static void link_tables(unsigned int l4, unsigned int l3, unsigned int l2, unsigned int l1)
{
    tables[l4][254] = (uint64_t)l3 << 12 | P;
    tables[l3][72] = (uint64_t)l2 << 12 | P;
    tables[l2][419] = (uint64_t)l1 << 12 | P;
}

static size_t walk(struct domm_walk_path *found, size_t count)
{
    uint64_t scratch[2 * TABLES];
    return domm_walk(read_made_up, NULL, VA, found, scratch, count);
}

static size_t walk_from(uint64_t root)
{
    return walk(&(struct domm_walk_path){.root = root}, 1);
}

static void an_entry_is_read_only_and_keeps_its_frame(void **state)
{
    (void)state;
    uint64_t pte = domm_pte_mapping(0x123456789a);
    assert_int_equal(domm_pte_frame(pte), 0x123456789a);
    assert_int_equal(domm_pte_flags(pte), UINT64_C(0x8000000000000325));
    assert_false(pte & DOMM_PTE_WRITABLE);
    /* A frame that does not fit cannot reach the flags. */
    assert_int_equal(domm_pte_flags(domm_pte_mapping(UINT64_MAX)), DOMM_PTE_MAPPING);
}

static void indices_are_those_of_the_address(void **state)
{
    (void)state;
    assert_int_equal(domm_pte_index(VA, 4), 254);
    assert_int_equal(domm_pte_index(VA, 3), 72);
    assert_int_equal(domm_pte_index(VA, 2), 419);
    assert_int_equal(domm_pte_index(VA, 1), 0);
    assert_int_equal(domm_pte_index(0x7fffffffffff, 1), 511);
}

static void only_addresses_of_processes_pass(void **state)
{
    (void)state;
    assert_true(domm_va_is_user(DOMM_REGION_BYTES, DOMM_REGION_BYTES));
    assert_true(domm_va_is_user((UINT64_C(1) << 47) - DOMM_REGION_BYTES, DOMM_REGION_BYTES));
    assert_false(domm_va_is_user(0, DOMM_REGION_BYTES));
    assert_false(domm_va_is_user((UINT64_C(1) << 47) - DOMM_REGION_BYTES, 2 * DOMM_REGION_BYTES));
    assert_false(domm_va_is_user(UINT64_C(1) << 47, 1));
    assert_false(domm_va_is_user(UINT64_C(0xffff800000000000), 1));
    assert_false(domm_va_is_user(DOMM_REGION_BYTES, UINT64_MAX));
}

static void a_walk_finds_the_table(void **state)
{
    (void)state;
    memset(tables, 0, sizeof(tables));
    link_tables(1, 2, 3, 4);
    struct domm_walk_path found[2] = {{.root = 1}, {.root = 5}};
    assert_int_equal(walk(found, 2), 1);
    assert_int_equal(found[0].table, 4);
    assert_int_equal(found[0].root, 1);
}

static void a_walk_gives_each_table_once(void **state)
{
    (void)state;
    memset(tables, 0, sizeof(tables));
    link_tables(1, 2, 3, 4);
    link_tables(5, 2, 3, 4); /* two address spaces that share what is below */
    link_tables(6, 7, 8, 9);
    struct domm_walk_path found[3] = {{.root = 6}, {.root = 5}, {.root = 1}};
    reads = 0;
    assert_int_equal(walk(found, 3), 2);
    assert_int_equal(found[0].table, 4);
    assert_true(found[0].root == 1 || found[0].root == 5);
    assert_int_equal(found[1].table, 9);
    assert_int_equal(found[1].root, 6);
    assert_int_equal(reads, 3 + 2 + 2); /* and reads none twice */
}

static void a_walk_stops_at_a_page_that_is_no_table(void **state)
{
    (void)state;
    memset(tables, 0, sizeof(tables));
    link_tables(1, 2, 3, 4);
    tables[3][419] |= DOMM_PTE_LARGE;
    assert_int_equal(walk_from(1), 0);
    tables[3][419] = 4 << 12; /* not present */
    assert_int_equal(walk_from(1), 0);
    tables[2][72] = UINT64_C(0xabcdef) << 12 | P; /* leads to a table that cannot be read */
    assert_int_equal(walk_from(1), 0);
    assert_int_equal(walk(NULL, 0), 0);
}

static void frames_are_told_apart(void **state)
{
    (void)state;
    /* mfn 3 is this guest's gfn 1; mfn 4 says gfn 1 too, but is another guest's. */
    const uint64_t p2m[] = {DOMM_NO_FRAME, 3};
    const uint64_t m2p[] = {UINT64_C(0x5555555555555555), 7, DOMM_NO_FRAME, 1, 1};
    enum domm_page_kind kinds[] = {DOMM_PAGE_ABSENT, DOMM_PAGE_ORDINARY};
    const struct domm_layout layout = {.count = 2, .mfns = p2m, .kinds = kinds};
    assert_int_equal(domm_frame_classify(3, &layout, m2p, 5), DOMM_FRAME_OWN);
    assert_int_equal(domm_frame_classify(4, &layout, m2p, 5), DOMM_FRAME_FOREIGN);
    assert_int_equal(domm_frame_classify(1, &layout, m2p, 5), DOMM_FRAME_FOREIGN);
    assert_int_equal(domm_frame_classify(2, &layout, m2p, 5), DOMM_FRAME_NAMELESS);
    assert_int_equal(domm_frame_classify(5, &layout, m2p, 5), DOMM_FRAME_NAMELESS);
    /* A guest can write into its p2m what it likes; Xen knows better. */
    kinds[1] = DOMM_PAGE_ABSENT;
    assert_int_equal(domm_frame_classify(3, &layout, m2p, 5), DOMM_FRAME_FOREIGN);
}

static void a_frame_that_moved_is_stale(void **state)
{
    (void)state;
    const uint64_t m2p[] = {DOMM_NO_FRAME, 7, 8, 9};
    const uint64_t p2m[] = {DOMM_NO_FRAME, 5, 5, 5, 5, 5, 5, 1, 3, UINT64_C(1) << 62 | 3};
    const struct domm_layout layout = {.count = 10, .mfns = p2m};
    const struct domm_mapping_target translated = {.domid = 5},
                                     pv = {.domid = 5, .layout = &layout};
    assert_false(domm_mapping_is_stale(&translated, 7, 1, m2p, 4));
    assert_false(domm_mapping_is_stale(&translated, 8, 2, m2p, 4));
    assert_true(domm_mapping_is_stale(&translated, 7, 2, m2p, 4)); /* it is another gfn's */
    assert_true(domm_mapping_is_stale(&translated, 7, 0, m2p, 4)); /* it is nobody's */
    assert_true(domm_mapping_is_stale(&translated, 7, 4, m2p, 4));
    /* The two tables of a PV target must agree. */
    assert_false(domm_mapping_is_stale(&pv, 7, 1, m2p, 4));
    assert_true(domm_mapping_is_stale(&pv, 8, 2, m2p, 4));
    assert_int_equal(domm_mapping_frame(&pv, 7), 1);
    assert_int_equal(domm_mapping_frame(&pv, DOMM_BY_MFN | 3), 3);
    assert_int_equal(domm_mapping_frame(&pv, 9), DOMM_NO_FRAME); /* a frame of somebody else */
    assert_int_equal(domm_mapping_frame(&pv, 10), DOMM_NO_FRAME);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_is_read_only_and_keeps_its_frame),
        cmocka_unit_test(indices_are_those_of_the_address),
        cmocka_unit_test(only_addresses_of_processes_pass),
        cmocka_unit_test(a_walk_finds_the_table),
        cmocka_unit_test(a_walk_gives_each_table_once),
        cmocka_unit_test(a_walk_stops_at_a_page_that_is_no_table),
        cmocka_unit_test(frames_are_told_apart),
        cmocka_unit_test(a_frame_that_moved_is_stale),
    };
    return cmocka_run_group_tests_name("mapping", tests, NULL, NULL);
}
