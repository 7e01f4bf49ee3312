/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>

#include "lib/base/error.h"

static void the_code_comes_back_negative(void **state)
{
    (void)state;
    struct domm_error err;
    assert_int_equal(domm_fail(&err, DOMM_NOT_FOUND, "no %s", "cat"), -DOMM_NOT_FOUND);
    assert_int_equal(err.code, DOMM_NOT_FOUND);
    assert_string_equal(err.text, "no cat");
    assert_string_equal(err.hint, "");
}

static void each_layer_puts_its_attempt_in_front(void **state)
{
    (void)state;
    struct domm_error err;
    domm_fail_errno(&err, DOMM_FAILED, ENOSPC, "writing %s", "it");
    assert_int_equal(domm_wrap(&err, "saving domain %d", 3), -DOMM_FAILED);
    assert_string_equal(err.text, "saving domain 3: writing it: No space left on device");
}

static void a_hint_survives_wrapping(void **state)
{
    (void)state;
    struct domm_error err;
    domm_fail(&err, DOMM_USAGE, "x");
    assert_int_equal(domm_hint(&err, "try %s", "y"), -DOMM_USAGE);
    domm_wrap(&err, "z");
    assert_string_equal(err.hint, "try y");
    domm_fail(&err, DOMM_USAGE, "another");
    assert_string_equal(err.hint, "");
}

static void long_texts_are_cut(void **state)
{
    (void)state;
    struct domm_error err;
    char huge[4 * sizeof(err.text)];
    memset(huge, 'x', sizeof(huge) - 1);
    huge[sizeof(huge) - 1] = '\0';
    domm_fail_errno(&err, DOMM_FAILED, EIO, "%s", huge);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
    domm_wrap(&err, "%s", huge);
    assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
    domm_hint(&err, "%s", huge);
    assert_int_equal(strlen(err.hint), sizeof(err.hint) - 1);
}

static void every_code_has_a_meaning(void **state)
{
    (void)state;
    for (int code = 0; code < DOMM_CODES; code++)
        assert_non_null(domm_code_meaning((enum domm_code)code));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_code_comes_back_negative),
        cmocka_unit_test(each_layer_puts_its_attempt_in_front),
        cmocka_unit_test(a_hint_survives_wrapping),
        cmocka_unit_test(long_texts_are_cut),
        cmocka_unit_test(every_code_has_a_meaning),
    };
    return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
