/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What several looks of domm-kernel-check say together. */
#include "tests/unit/unit.h"

#include "tests/unit/fake-baseline.h"

static char path[FAKE_BASELINE_PATH];
static struct fake_kernel *fake;
static struct baseline baseline;
static struct knowledge knowledge;
static struct verdict verdict;
static bool started;
static struct domm_error err;

static int start(void **state)
{
    (void)state;
    fake = fake_kernel_new(4);
    started = false;
    fake_baseline_open(fake, &baseline, path);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    fake_baseline_close(&baseline, &knowledge, path);
    free(fake);
    return 0;
}

static void look(void)
{
    static struct changes changes;
    struct domm_physical memory = fake_kernel_memory(fake);
    assert_int_equal(compare(&baseline, &memory, &knowledge, &changes, &err), 0);
    if (started)
        verdict_add(&verdict, &changes);
    else
        verdict_start(&verdict, &changes);
    started = true;
}

/* What the text there was, for one look with other bytes. */
static void look_with(uint64_t offset, const char *bytes, size_t size)
{
    unsigned char was[8];
    memcpy(was, fake_kernel_at(fake, offset), size);
    memcpy(fake_kernel_at(fake, offset), bytes, size);
    look();
    memcpy(fake_kernel_at(fake, offset), was, size);
}

static void expect(size_t settled, size_t unsettled)
{
    verdict_finish(&verdict);
    assert_int_equal(verdict.settled.count, settled);
    assert_int_equal(verdict.unsettled.count, unsettled);
}

/* A jump to somewhere. */
static const char jump[] = "\xe9\x12\x34\x56\x07";

static void no_change_is_none(void **state)
{
    (void)state;
    look();
    look();
    expect(0, 0);
}

static void a_change_that_stays_is_settled(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++)
        look_with(0x500, jump, 5);
    expect(1, 0);
    assert_int_equal(verdict.settled.list[0].address, FAKE_BASE + 0x500);
}

static void a_change_that_moves_is_unsettled(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 4; i++)
        look_with(0x500 + 0x900 * i, jump, 5);
    expect(0, 4);
    assert_int_equal(verdict.unsettled.list[3].address, FAKE_BASE + 0x500 + 0x900 * 3);
}

static void a_change_that_comes_or_goes_is_unsettled(void **state)
{
    (void)state;
    look_with(0x500, jump, 5);
    look();
    look_with(FAKE_RODATA_END - 8, jump, 5);
    expect(0, 2);
}

static void a_change_that_stays_hides_none_that_moves(void **state)
{
    (void)state;
    memcpy(fake_kernel_at(fake, 0x600), jump, 5);
    for (uint64_t i = 0; i < 4; i++)
        look_with(0x700 + 0x100 * (i % 2), jump, 5);
    expect(1, 2);
}

static void a_patch_in_progress_is_no_change(void **state)
{
    (void)state;
    look_with(FAKE_SWITCH, "\xcc\x1f\x44\x00\x00", 5);
    look_with(FAKE_SWITCH, "\xcc\x3b\x00\x00\x00", 5);
    look_with(FAKE_SHORT, "\xcc\x1e", 2);
    look_with(FAKE_CALLER, "\xcc\xfb\xfe\xff\xff", 5);
    look_with(FAKE_SWITCH, "\xe9\x3b\x00\x00\x00", 5);
    expect(0, 0);
}

/* The key of a static call is written before its site. */
static void a_key_that_runs_ahead_is_no_change(void **state)
{
    (void)state;
    fake_kernel_put64(fake, FAKE_KEY, FAKE_BASE + FAKE_SWITCH);
    look();
    look_with(FAKE_CALLER, "\xe8\xfb\x00\x00\x00", 5);
    fake_kernel_put64(fake, FAKE_KEY, 0);
    look();
    look_with(FAKE_CALLER, "\x0f\x1f\x44\x00\x00", 5);
    expect(0, 0);
}

static void a_patch_that_is_never_over_is_a_change(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++)
        look_with(FAKE_SWITCH, "\xcc\x1f\x44\x00\x00", 5);
    expect(1, 0);
}

/* There is one in each look. */
static void a_breakpoint_that_moves_among_sites_is_unsettled(void **state)
{
    (void)state;
    static const uint64_t sites[] = {FAKE_SWITCH, FAKE_SHORT, FAKE_CALLER};
    for (size_t i = 0; i < 6; i++)
        look_with(sites[i % COUNT(sites)], "\xcc", 1);
    expect(0, 3);
}

/* Only the site itself may differ, and only in that form. */
static void what_is_beside_a_patch_in_progress_is_told(void **state)
{
    (void)state;
    look_with(FAKE_SWITCH, "\xcc\x1f\x44\x00\x00\xcc", 6);
    look();
    expect(0, 1);
    assert_int_equal(verdict.unsettled.list[0].address, FAKE_BASE + FAKE_SWITCH + 5);
}

static void a_site_with_other_bytes_for_a_moment_is_told(void **state)
{
    (void)state;
    look_with(FAKE_SWITCH, jump, 5);
    look();
    look_with(FAKE_CALLER, jump, 5);
    look_with(FAKE_CALLER, "\xe8\xfc\xfe\xff\xff", 5); /* into a function, not to it */
    expect(0, 3);
}

/* More than a list holds, in one look. */
static void what_is_more_than_can_be_told_is_not_lost(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < FAKE_TEXT_END; i += 16)
        *fake_kernel_at(fake, i + 15) ^= 1;
    look();
    for (uint64_t i = 0; i < FAKE_TEXT_END; i += 16)
        *fake_kernel_at(fake, i + 15) ^= 1;
    look();
    expect(0, MAX_CHANGES);
    assert_int_not_equal(verdict.unsettled.more, 0);
    /* The other way around. */
    started = false;
    look();
    for (uint64_t i = 0; i < FAKE_TEXT_END; i += 16)
        *fake_kernel_at(fake, i + 15) ^= 1;
    look();
    expect(0, MAX_CHANGES);
    assert_int_not_equal(verdict.unsettled.more, 0);
    /* In each look. */
    started = false;
    look();
    look();
    expect(MAX_CHANGES, 0);
    assert_int_not_equal(verdict.settled.more, 0);
    assert_int_equal(verdict.unsettled.more, 0);
}

/* Another kernel, for one look. */
static void another_kernel_for_a_moment_is_told(void **state)
{
    (void)state;
    look();
    fake_kernel_info(fake)[11] ^= 1;
    look();
    fake_kernel_info(fake)[11] ^= 1;
    look();
    expect(0, 1);
    assert_int_equal(verdict.unsettled.list[0].kind, CHANGE_KERNEL);
}

/* After the first look pages are compared with copies of them. */
static void copies_of_pages_are_the_baselines(void **state)
{
    (void)state;
    unsigned char page[DOMM_VMI_PAGE];
    look();
    for (size_t i = 0; i < baseline.n_pages; i++)
        assert_true(baseline.pages[i].copied);
    assert_int_equal(baseline_page(&baseline, 0, page, &err), 0);
    assert_memory_equal(page, fake_kernel_at(fake, FAKE_TEXT), sizeof(page));
    *fake_kernel_at(fake, FAKE_TEXT + 0x80) ^= 1;
    look();
    expect(0, 1);
    assert_int_equal(baseline_page(&baseline, 0, page, &err), 0);
    assert_int_equal(page[0x80], *fake_kernel_at(fake, FAKE_TEXT + 0x80) ^ 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_change_is_none),
        TEST(a_change_that_stays_is_settled),
        TEST(a_change_that_moves_is_unsettled),
        TEST(a_change_that_comes_or_goes_is_unsettled),
        TEST(a_change_that_stays_hides_none_that_moves),
        TEST(a_patch_in_progress_is_no_change),
        TEST(a_key_that_runs_ahead_is_no_change),
        TEST(a_patch_that_is_never_over_is_a_change),
        TEST(a_breakpoint_that_moves_among_sites_is_unsettled),
        TEST(what_is_beside_a_patch_in_progress_is_told),
        TEST(a_site_with_other_bytes_for_a_moment_is_told),
        TEST(what_is_more_than_can_be_told_is_not_lost),
        TEST(another_kernel_for_a_moment_is_told),
        TEST(copies_of_pages_are_the_baselines),
    };
    return cmocka_run_group_tests_name("kernel-settle", tests, NULL, NULL);
}
