/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include "lib/base/uuid.h"

#define TEXT "01234567-89ab-cdef-0011-223344556677"

static void text_and_bytes_agree(void **state)
{
    (void)state;
    struct domm_uuid uuid;
    char text[DOMM_UUID_TEXT];
    assert_true(domm_uuid_parse(TEXT, &uuid));
    assert_int_equal(uuid.bytes[0], 0x01);
    assert_int_equal(uuid.bytes[15], 0x77);
    domm_uuid_format(&uuid, text);
    assert_string_equal(text, TEXT);
}

static void case_does_not_matter(void **state)
{
    (void)state;
    struct domm_uuid upper, lower;
    assert_true(domm_uuid_parse("ABCDEF00-0000-0000-0000-00000000000A", &upper));
    assert_true(domm_uuid_parse("abcdef00-0000-0000-0000-00000000000a", &lower));
    assert_true(domm_uuid_equal(&upper, &lower));
}

static void anything_else_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",           "0123",
        TEXT "0",     "01234567-89ab-cdef-0011-22334455667",
        " " TEXT,     "0123456789abcdef00112233445566770000",
        TEXT " ",     "01234567-89ab-cdef-0011-22334455667g",
        "name",       "0123456-789ab-cdef-0011-223344556677",
        "{" TEXT "}", "01234567-89ab-cdef-0011--23344556677",
    };
    struct domm_uuid uuid;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        if (domm_uuid_parse(wrong[i], &uuid))
            fail_msg("\"%s\" was taken for a UUID", wrong[i]);
    }
}

static void only_zeroes_are_nil(void **state)
{
    (void)state;
    struct domm_uuid uuid = {{0}};
    assert_true(domm_uuid_is_nil(&uuid));
    uuid.bytes[15] = 1;
    assert_false(domm_uuid_is_nil(&uuid));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_and_bytes_agree),
        cmocka_unit_test(case_does_not_matter),
        cmocka_unit_test(anything_else_is_refused),
        cmocka_unit_test(only_zeroes_are_nil),
    };
    return cmocka_run_group_tests_name("uuid", tests, NULL, NULL);
}
