/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The mapping state as bytes: what is written is read, and nothing else is. */
#include "tests/unit/unit.h"

#include "lib/base/cleanup.h"
#include "lib/mapping/mapping_state.h"

#define HEADER 24
#define UUID 16
#define RUN 32

static struct domm_mapping_run entry(uint64_t l1_pfn, uint16_t slot, uint64_t gfn, uint16_t target)
{
    return (struct domm_mapping_run){.l1_pfn = l1_pfn,
                                     .gfn = gfn,
                                     .flags = DOMM_PTE_MAPPING,
                                     .slot = slot,
                                     .count = 1,
                                     .target = target};
}

static void add(struct domm_mapping_state *state, struct domm_mapping_run run)
{
    struct domm_error err = {0};
    assert_int_equal(domm_mapping_state_add(state, &run, &err), 0);
}

static struct domm_mapping_state example(void)
{
    struct domm_mapping_state state = {.n_targets = 2, .targets = {{{1}}, {{2}}}};
    for (uint16_t slot = 1; slot < DOMM_PTES; slot++)
        add(&state, entry(0x100, slot, 0x1000u + slot, 0));
    add(&state, entry(0x101, 5, 0x7, 1));
    add(&state, entry(0x101, 6, 0x7, 1));
    add(&state, entry(0x101, 9, 0x8, 0));
    state.runs[3].late = true;
    return state;
}

static int decode(const unsigned char *bytes, size_t size, struct domm_error *err)
{
    struct domm_mapping_state state;
    int rc = domm_mapping_state_decode(bytes, size, &state, err);
    if (!rc)
        domm_mapping_state_free(&state);
    return rc;
}

static unsigned char *encoded(size_t *size_r)
{
    struct domm_error err = {0};
    unsigned char *bytes = NULL;
    struct domm_mapping_state state = example();
    assert_int_equal(domm_mapping_state_encode(&state, &bytes, size_r, &err), 0);
    domm_mapping_state_free(&state);
    return bytes;
}

static void neighbours_are_one_run(void **unused)
{
    (void)unused;
    struct domm_mapping_state state = example();
    assert_int_equal(state.n_runs, 4);
    assert_int_equal(state.entries, 511 + 3);
    assert_int_equal(state.runs[0].count, 511);
    assert_int_equal(state.runs[1].count, 1); /* the same gfn again goes on nothing */
    domm_mapping_state_free(&state);
}

static void an_encoded_state_is_decoded(void **unused)
{
    (void)unused;
    struct domm_error err = {0};
    size_t size;
    struct domm_mapping_state state = example(), back;
    cleanup_free unsigned char *bytes = encoded(&size);
    assert_int_equal(size, HEADER + 2 * UUID + 4 * RUN);
    assert_int_equal(domm_mapping_state_decode(bytes, size, &back, &err), 0);
    assert_int_equal(back.n_targets, 2);
    assert_true(domm_uuid_equal(&back.targets[1], &state.targets[1]));
    assert_int_equal(back.n_runs, state.n_runs);
    assert_int_equal(back.entries, state.entries);
    unsigned char *again;
    size_t again_size;
    assert_int_equal(domm_mapping_state_encode(&back, &again, &again_size, &err), 0);
    assert_int_equal(again_size, size);
    assert_memory_equal(again, bytes, size);
    free(again);
    domm_mapping_state_free(&back);
    domm_mapping_state_free(&state);
}

static void every_other_length_is_refused(void **unused)
{
    (void)unused;
    struct domm_error err = {0};
    size_t size;
    cleanup_free unsigned char *bytes = encoded(&size);
    cleanup_free unsigned char *longer = calloc(1, size + RUN);
    memcpy(longer, bytes, size);
    for (size_t n = 0; n <= size + RUN; n++)
        assert_int_equal(decode(longer, n, &err), n == size ? 0 : -DOMM_REFUSED);
}

/* Whatever a byte is changed to, what is accepted is in range. */
static void no_changed_byte_gets_through(void **unused)
{
    (void)unused;
    struct domm_error err = {0};
    size_t size;
    cleanup_free unsigned char *bytes = encoded(&size);
    for (size_t i = 0; i < 8 * size; i++) {
        struct domm_mapping_state state;
        bytes[i / 8] ^= (unsigned char)(1u << i % 8);
        if (domm_mapping_state_decode(bytes, size, &state, &err) == 0) {
            for (size_t j = 0; j < state.n_runs; j++) {
                const struct domm_mapping_run *run = &state.runs[j];
                assert_true(run->slot + run->count <= (int)DOMM_PTES && run->count > 0);
                assert_true(run->target < 2);
                assert_false(run->flags & (DOMM_PTE_WRITABLE | DOMM_PTE_LARGE));
                assert_true(run->flags & DOMM_PTE_PRESENT);
                assert_int_equal(domm_pte_frame(run->flags), 0);
            }
            domm_mapping_state_free(&state);
        }
        bytes[i / 8] ^= (unsigned char)(1u << i % 8);
    }
}

static void hostile_runs_are_refused(void **unused)
{
    (void)unused;
    static const struct domm_mapping_run bad[] = {
        {.l1_pfn = UINT64_C(1) << 40, .flags = DOMM_PTE_MAPPING, .count = 1},
        {.gfn = UINT64_C(1) << 40, .flags = DOMM_PTE_MAPPING, .count = 1},
        {.gfn = UINT64_MAX, .flags = DOMM_PTE_MAPPING, .count = 2},
        {.gfn = (UINT64_C(1) << 40) - 1, .flags = DOMM_PTE_MAPPING, .count = 2},
        {.flags = DOMM_PTE_MAPPING, .count = 0},
        {.flags = DOMM_PTE_MAPPING, .count = 513},
        {.flags = DOMM_PTE_MAPPING, .slot = 512, .count = 1},
        {.flags = DOMM_PTE_MAPPING, .slot = 511, .count = 2},
        {.flags = DOMM_PTE_MAPPING, .slot = 65535, .count = 65535},
        {.flags = DOMM_PTE_MAPPING, .count = 1, .target = 2},
        {.flags = DOMM_PTE_MAPPING | DOMM_PTE_WRITABLE, .count = 1},
        {.flags = DOMM_PTE_MAPPING | DOMM_PTE_LARGE, .count = 1},
        {.flags = DOMM_PTE_MAPPING | 0x1000, .count = 1},
        {.flags = DOMM_PTE_MAPPING & ~DOMM_PTE_PRESENT, .count = 1},
        {.flags = DOMM_PTE_MAPPING & ~DOMM_PTE_USER, .count = 1},
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct domm_error err = {0};
        struct domm_mapping_state state = {.n_targets = 2};
        assert_int_equal(domm_mapping_state_add(&state, &bad[i], &err), -DOMM_REFUSED);
        assert_int_equal(state.entries, 0);
        domm_mapping_state_free(&state);
    }
}

static void no_entry_comes_twice(void **unused)
{
    (void)unused;
    struct domm_error err = {0};
    struct domm_mapping_state state = example();
    const struct domm_mapping_run bad[] = {entry(0x101, 9, 0x8, 0), entry(0x101, 6, 0x9, 0),
                                           entry(0x100, 511, 0x9, 0), entry(0, 0, 0, 0)};
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_int_equal(domm_mapping_state_add(&state, &bad[i], &err), -DOMM_REFUSED);
    domm_mapping_state_free(&state);
}

static void no_target_comes_twice(void **unused)
{
    (void)unused;
    struct domm_error err = {0};
    size_t size;
    cleanup_free unsigned char *bytes = encoded(&size);
    bytes[HEADER + UUID] = 1;
    assert_int_equal(decode(bytes, size, &err), -DOMM_REFUSED);
    assert_contains(err.text, "twice");
}

static void another_version_is_named(void **unused)
{
    (void)unused;
    struct domm_error err = {0};
    size_t size;
    cleanup_free unsigned char *bytes = encoded(&size);
    bytes[8] = 9;
    assert_int_equal(decode(bytes, size, &err), -DOMM_REFUSED);
    assert_contains(err.text, "version 9");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(neighbours_are_one_run),
        cmocka_unit_test(an_encoded_state_is_decoded),
        cmocka_unit_test(every_other_length_is_refused),
        cmocka_unit_test(no_changed_byte_gets_through),
        cmocka_unit_test(hostile_runs_are_refused),
        cmocka_unit_test(no_entry_comes_twice),
        cmocka_unit_test(no_target_comes_twice),
        cmocka_unit_test(another_version_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
