/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What others say, before a terminal, a log or a program sees it. */
#include "tests/unit/unit.h"

#include "lib/base/json.h"
#include "lib/base/log.h"
#include "lib/base/text.h"

/* CSI as a C1 control character, in UTF-8 and as a bare byte; "e" with an accent; not UTF-8. */
#define HOSTILE                                                                                    \
    "a\xc2\x9b"                                                                                    \
    "2Jb\x9b"                                                                                      \
    "2Kc\x1b[md\xc3\xa9"                                                                           \
    "e\xff\x7f"

static void only_ascii_is_printed(void **state)
{
    (void)state;
    char text[] = HOSTILE;
    assert_string_equal(domm_make_printable(text), "a??2Jb?2Kc?[md??e??");
}

static void a_name_keeps_its_letters(void **state)
{
    (void)state;
    char name[] = "w\xc3\xa9"
                  "b\n";
    assert_string_equal(domm_replace_controls(name), "w\xc3\xa9"
                                                     "b?");
}

static void a_log_is_ascii(void **state)
{
    (void)state;
    char *written = NULL;
    size_t size;
    struct domm_log log;
    FILE *stream = open_memstream(&written, &size);
    domm_log_init(&log, stream, "test");
    domm_log(&log, DOMM_LOG_WARN, "%s", HOSTILE);
    fclose(stream);
    for (size_t i = 0; i < size; i++) {
        if ((written[i] < ' ' && written[i] != '\n') || written[i] > '~')
            fail_msg("byte %zu is %#x", i, (unsigned char)written[i]);
    }
    free(written);
}

static void expect_json(const char *text, const char *expected)
{
    cleanup_json struct json_object *root = json_object_new_object();
    domm_json_text(root, "x", text);
    cleanup_free char *json = domm_json_format(root, JSON_C_TO_STRING_PLAIN);
    assert_string_equal(json, expected);
    cleanup_json struct json_object *again = json_tokener_parse(json);
    assert_non_null(again);
}

static void json_is_ascii_and_reads_back(void **state)
{
    (void)state;
    expect_json("plain \"\\ \n", "{\"x\":\"plain \\\"\\\\ \\n\"}");
    expect_json("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", "{\"x\":\"\\u00e9\\u20ac\\ud83d\\ude00\"}");
    expect_json("\xc2\x9b\x7f", "{\"x\":\"\\u009b\\u007f\"}");
    /* A bare byte, an overlong form, a surrogate, a sequence that is cut, one beyond Unicode. */
    expect_json("\x9b|\xc0\xaf|\xed\xa0\x80|\xe2\x82|\xf4\x90\x80\x80|\xff",
                "{\"x\":\"\\ufffd|\\ufffd\\ufffd|\\ufffd\\ufffd\\ufffd|\\ufffd\\ufffd|"
                "\\ufffd\\ufffd\\ufffd\\ufffd|\\ufffd\"}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_ascii_is_printed),
        cmocka_unit_test(a_name_keeps_its_letters),
        cmocka_unit_test(a_log_is_ascii),
        cmocka_unit_test(json_is_ascii_and_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
