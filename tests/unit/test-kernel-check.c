/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include "tests/unit/fake-baseline.h"

static char path[FAKE_BASELINE_PATH];
static struct fake_kernel *fake;
static struct baseline baseline;
static struct knowledge knowledge;
static struct changes changes;
static struct domm_error err;
static const struct kernel_given nothing_given;

static int start(void **state)
{
    (void)state;
    fake = fake_kernel_new(4);
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

/* How many changes there are; -1 if it fails. */
static int count(void)
{
    struct domm_physical memory = fake_kernel_memory(fake);
    return compare(&baseline, &memory, &knowledge, &changes, &err) ? -1 : (int)changes.count;
}

static void put(uint64_t offset, const char *bytes, size_t size)
{
    memcpy(fake_kernel_at(fake, offset), bytes, size);
}

static void nothing_changed(void **state)
{
    (void)state;
    assert_int_equal(count(), 0);
    assert_int_equal(changes.more, 0);
    assert_int_equal(baseline.n_pages, 3 + 3 + 1);
    /* Data is not compared. */
    fake_kernel_put64(fake, FAKE_DATA + 0x100, 1);
    assert_int_equal(count(), 0);
}

static void a_change_of_text_is_told_until_it_is_undone(void **state)
{
    (void)state;
    unsigned char *byte = fake_kernel_at(fake, FAKE_OPEN + 3), was = *byte;
    *byte = 0xcc;
    assert_int_equal(count(), 1);
    assert_int_equal(changes.list[0].kind, CHANGE_TEXT);
    assert_int_equal(changes.list[0].address, FAKE_BASE + FAKE_OPEN + 3);
    assert_int_equal(changes.list[0].size, 1);
    assert_int_equal(changes.list[0].was[0], was);
    assert_int_equal(changes.list[0].now[0], 0xcc);
    *byte = was;
    assert_int_equal(count(), 0);
}

static void differences_side_by_side_are_one(void **state)
{
    (void)state;
    memset(fake_kernel_at(fake, 0x500), 0xcc, 3);
    memset(fake_kernel_at(fake, 0x508), 0xcc, 3);
    memset(fake_kernel_at(fake, 0x520), 0xcc, 40);
    assert_int_equal(count(), 2);
    assert_int_equal(changes.list[0].size, 11);
    assert_int_equal(changes.list[1].size, 40);
}

static void read_only_data_is_compared(void **state)
{
    (void)state;
    fake_kernel_put64(fake, FAKE_RODATA_END - 8, 1);
    assert_int_equal(count(), 1);
    assert_int_equal(changes.list[0].kind, CHANGE_RODATA);
}

static void the_syscall_table_is_told_by_its_entries(void **state)
{
    (void)state;
    uint64_t now;
    fake_kernel_put64(fake, FAKE_SYSCALLS + 8 * 5, FAKE_BASE + FAKE_OPEN + 1);
    fake_kernel_put64(fake, FAKE_SYSCALLS + 8 * 6, UINT64_C(0xffffffffc0001000));
    assert_int_equal(count(), 2);
    for (unsigned int i = 0; i < 2; i++) {
        assert_int_equal(changes.list[i].kind, CHANGE_SYSCALL);
        assert_int_equal(changes.list[i].address, FAKE_BASE + FAKE_SYSCALLS + 8 * (5 + i));
        assert_int_equal(changes.list[i].size, 8);
    }
    memcpy(&now, changes.list[1].now, sizeof(now));
    assert_int_equal(now, UINT64_C(0xffffffffc0001000));
}

static void the_idt_is_told_by_its_gates(void **state)
{
    (void)state;
    *fake_kernel_at(fake, FAKE_IDT + 14 * GATE_BYTES + 7) = 1;
    assert_int_equal(count(), 1);
    assert_int_equal(changes.list[0].kind, CHANGE_GATE);
    assert_int_equal(changes.list[0].address, FAKE_BASE + FAKE_IDT + 14 * GATE_BYTES);
}

static void jump_labels_may_be_switched(void **state)
{
    (void)state;
    put(FAKE_SWITCH, "\xe9\x3b\x00\x00\x00", 5);
    put(FAKE_SHORT, "\xeb\x1e", 2);
    assert_int_equal(count(), 0);
    put(FAKE_SWITCH, "\x0f\x1f\x44\x00\x00", 5);
    put(FAKE_SHORT, "\x66\x90", 2);
    assert_int_equal(count(), 0);
}

struct patch {
    uint64_t offset;
    const char *bytes;
    size_t size;
};

static void patches_of_other_forms_or_places_are_told(void **state)
{
    (void)state;
    static const struct patch patches[] = {
        {FAKE_SWITCH, "\xe9\x3c\x00\x00\x00", 5},     /* to another place */
        {FAKE_SWITCH, "\xe8\x3b\x00\x00\x00", 5},     /* a call */
        {FAKE_SWITCH, "\xcc\x1f\x44\x00\x00", 5},     /* a breakpoint */
        {FAKE_SWITCH, "\xeb\x3e\x44\x00\x00", 5},     /* the short form of a long one */
        {FAKE_SWITCH + 1, "\xe9\x3b\x00\x00\x00", 5}, /* beside the site */
        {FAKE_SHORT, "\xeb\x1f", 2},
        {FAKE_SHORT, "\xe9\x3b", 2},
        {FAKE_CALLER, "\xe8\xfc\xfe\xff\xff", 5}, /* into the function, not to it */
        {FAKE_CALLER, "\xe8\x00\x00\x00\x10", 5}, /* out of the text */
        {FAKE_CALLER, "\x0f\x1f\x44\x00\x00", 5}, /* off, though its key has a function */
        {FAKE_CALLER, "\xc3\xcc\xcc\xcc\xcc", 5},
    };
    unsigned char was[8];
    for (size_t i = 0; i < COUNT(patches); i++) {
        memcpy(was, fake_kernel_at(fake, patches[i].offset), sizeof(was));
        put(patches[i].offset, patches[i].bytes, patches[i].size);
        if (count() != 1 || changes.list[0].kind != CHANGE_TEXT)
            fail_msg("case %zu: %d changes", i, (int)changes.count);
        memcpy(fake_kernel_at(fake, patches[i].offset), was, sizeof(was));
        assert_int_equal(count(), 0);
    }
}

static void static_calls_follow_their_key(void **state)
{
    (void)state;
    fake_kernel_put64(fake, FAKE_KEY, 0);
    put(FAKE_CALLER, "\x0f\x1f\x44\x00\x00", 5);
    assert_int_equal(count(), 0);
    put(FAKE_CALLER, "\xc3\xcc\xcc\xcc\xcc", 5);
    assert_int_equal(count(), 0);
    fake_kernel_put64(fake, FAKE_KEY, FAKE_BASE + FAKE_SWITCH);
    put(FAKE_CALLER, "\xe8\xfb\x00\x00\x00", 5);
    assert_int_equal(count(), 0);
    put(FAKE_CALLER, "\xe9\xfb\x00\x00\x00", 5);
    assert_int_equal(count(), 0);
    /* The key may not lead into a function, or out of the kernel. */
    fake_kernel_put64(fake, FAKE_KEY, FAKE_BASE + FAKE_SWITCH + 1);
    put(FAKE_CALLER, "\xe8\xfc\x00\x00\x00", 5);
    assert_int_equal(count(), 1);
    fake_kernel_put64(fake, FAKE_KEY, FAKE_BASE + 0x10000);
    put(FAKE_CALLER, "\xe8\xfb\xfd\x00\x00", 5);
    assert_int_equal(count(), 1);
}

/* The sites are those of the baseline: one that is added to the table later is none. */
static void the_table_of_sites_is_not_the_targets(void **state)
{
    (void)state;
    int32_t distance = 0x600 - FAKE_JUMPS;
    memcpy(fake_kernel_at(fake, FAKE_JUMPS), &distance, sizeof(distance));
    put(0x600, "\xe9\x3b\x00\x00\x00", 5);
    assert_int_equal(count(), 2);
    assert_int_equal(changes.list[0].address, FAKE_BASE + 0x600);
    assert_int_equal(changes.list[1].kind, CHANGE_RODATA);
}

/* Pages that are mapped elsewhere are compared where they are mapped now. */
static void another_page_in_its_place_is_told(void **state)
{
    (void)state;
    fake_kernel_put64(fake, FAKE_L1, (FAKE_LOADED + FAKE_TEXT + 0x1000) | 1);
    assert_true(count() > 0);
    assert_int_equal(changes.list[0].address, FAKE_BASE);
}

static void a_page_that_is_not_mapped_is_told(void **state)
{
    (void)state;
    fake_kernel_put64(fake, FAKE_L1 + 8, 0);
    assert_int_equal(count(), 1);
    assert_int_equal(changes.list[0].kind, CHANGE_UNMAPPED);
    assert_int_equal(changes.list[0].address, FAKE_BASE + 0x1000);
    fake_kernel_put64(fake, FAKE_ROOT + 8 * 511, 0);
    assert_int_equal(count(), 7);
}

static void all_of_it_changed_is_bounded(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < FAKE_TEXT_END; i += 16)
        *fake_kernel_at(fake, i + 15) ^= 1;
    assert_int_equal(count(), MAX_CHANGES);
    assert_int_equal(changes.more, 2);
}

static void another_kernel_is_told(void **state)
{
    (void)state;
    fake_kernel_info(fake)[11] ^= 1;
    assert_int_equal(count(), 1);
    assert_int_equal(changes.list[0].kind, CHANGE_KERNEL);
}

static void a_memory_that_cannot_be_read_fails(void **state)
{
    (void)state;
    fake->broken = true;
    assert_int_equal(count(), -1);
    assert_int_equal(err.code, DOMM_FAILED);
}

static void without_a_kernel_there_is_no_baseline(void **state)
{
    (void)state;
    struct domm_physical memory = fake_kernel_memory(fake);
    FILE *nowhere = fopen("/dev/null", "w");
    char *text = strstr(fake_kernel_info(fake), "OSRELEASE");
    *text = 'x';
    assert_int_equal(take_baseline(&memory, &nothing_given, nowhere, &err), -DOMM_NOT_FOUND);
    *text = 'O';
    *fake_kernel_at(fake, FAKE_NAMES + 10) ^= 1; /* of _stext's name */
    assert_int_equal(take_baseline(&memory, &nothing_given, nowhere, &err), -DOMM_NOT_FOUND);
    fclose(nowhere);
}

static size_t load(unsigned char *bytes, size_t room)
{
    FILE *stream = fopen(path, "r");
    assert_non_null(stream);
    size_t size = fread(bytes, 1, room, stream);
    fclose(stream);
    return size;
}

static void store(const unsigned char *bytes, size_t size)
{
    FILE *stream = fopen(path, "w");
    assert_non_null(stream);
    assert_int_equal(fwrite(bytes, 1, size, stream), size);
    fclose(stream);
}

/* Wherever it is cut, lengthened or changed: refused when it is opened, or when a page is used. */
static void a_damaged_baseline_is_refused(void **state)
{
    (void)state;
    static unsigned char bytes[65536];
    unsigned char page[DOMM_VMI_PAGE];
    struct baseline damaged;
    size_t size = load(bytes, sizeof(bytes));
    for (size_t i = 0; i < size; i += 7) {
        store(bytes, i);
        assert_int_equal(baseline_open(path, &damaged, &err), -DOMM_REFUSED);
        bytes[i] ^= 0x41;
        store(bytes, size);
        bool refused = baseline_open(path, &damaged, &err) != 0;
        for (size_t j = 0; !refused && j < damaged.n_pages; j++)
            refused = baseline_page(&damaged, j, page, &err) != 0;
        if (!refused)
            fail_msg("a change at %zu was accepted", i);
        if (damaged.fd >= 0)
            baseline_close(&damaged);
        bytes[i] ^= 0x41;
    }
    store(bytes, size + 1);
    assert_int_equal(baseline_open(path, &damaged, &err), -DOMM_REFUSED);
    assert_int_equal(baseline_open("/nonexistent/baseline", &damaged, &err), -DOMM_NOT_FOUND);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, start, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_changed),
        TEST(a_change_of_text_is_told_until_it_is_undone),
        TEST(differences_side_by_side_are_one),
        TEST(read_only_data_is_compared),
        TEST(the_syscall_table_is_told_by_its_entries),
        TEST(the_idt_is_told_by_its_gates),
        TEST(jump_labels_may_be_switched),
        TEST(patches_of_other_forms_or_places_are_told),
        TEST(static_calls_follow_their_key),
        TEST(the_table_of_sites_is_not_the_targets),
        TEST(another_page_in_its_place_is_told),
        TEST(a_page_that_is_not_mapped_is_told),
        TEST(all_of_it_changed_is_bounded),
        TEST(another_kernel_is_told),
        TEST(a_memory_that_cannot_be_read_fails),
        TEST(without_a_kernel_there_is_no_baseline),
        TEST(a_damaged_baseline_is_refused),
    };
    return cmocka_run_group_tests_name("kernel-check", tests, NULL, NULL);
}
