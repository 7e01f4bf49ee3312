/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <sys/stat.h>
#include <unistd.h>

#include "lib/pair/saved_record.h"

static const struct domm_uuid one = {{1}}, other = {{2}};

static char base[] = "/tmp/domm-kept-XXXXXX";
static char directory[sizeof(base) + 16];

static int make(void **state)
{
    (void)state;
    if (!mkdtemp(base))
        return -1;
    snprintf(directory, sizeof(directory), "%s/a/b", base);
    return 0;
}

static int clear(void **state)
{
    char parent[sizeof(directory)];
    (void)state;
    snprintf(parent, sizeof(parent), "%s/a", base);
    return rmdir(directory) || rmdir(parent) || rmdir(base);
}

static void assert_kept(const struct domm_uuid *uuid, const char *expected)
{
    struct domm_error err;
    char *text;
    assert_int_equal(domm_saved_record_read(directory, uuid, &text, &err), 0);
    if (expected)
        assert_string_equal(text, expected);
    else
        assert_null(text);
    free(text);
}

static void the_last_kept_record_is_read(void **state)
{
    (void)state;
    struct domm_error err;
    assert_kept(&one, NULL);
    assert_int_equal(domm_saved_record_write(directory, &one, "a longer record", &err), 0);
    assert_int_equal(domm_saved_record_write(directory, &one, "record", &err), 0);
    assert_kept(&one, "record");
    assert_kept(&other, NULL);
}

static void a_removed_record_is_gone(void **state)
{
    (void)state;
    struct domm_error err;
    assert_int_equal(domm_saved_record_write(directory, &one, "record", &err), 0);
    assert_int_equal(domm_saved_record_write(directory, &other, "another", &err), 0);
    assert_int_equal(domm_saved_record_remove(directory, &one, &err), 0);
    assert_int_equal(domm_saved_record_remove(directory, &one, &err), 0);
    assert_kept(&one, NULL);
    assert_kept(&other, "another");
    assert_int_equal(domm_saved_record_remove(directory, &other, &err), 0);
}

static void write_failures_are_reported(void **state)
{
    (void)state;
    struct domm_error err;
    assert_int_equal(domm_saved_record_write("/dev/null/here", &one, "record", &err), -DOMM_FAILED);
    assert_contains(err.text, "/dev/null/here");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_last_kept_record_is_read),
        cmocka_unit_test(a_removed_record_is_gone),
        cmocka_unit_test(write_failures_are_reported),
    };
    return cmocka_run_group_tests(tests, make, clear);
}
