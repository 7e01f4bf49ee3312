/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include "cmd/domm/split_words.h"

static void lines_are_cut_as_sh_does(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *words[5];
    } cases[] = {
        {"", {NULL}},
        {" \t \r", {NULL}},
        {"# all of it", {NULL}},
        {"list", {"list"}},
        {"  list   a\tb ", {"list", "a", "b"}},
        {"list # a", {"list"}},
        {"list a#b", {"list", "a#b"}},
        {"list '#' \\#", {"list", "#", "#"}},
        {"'a b' \"c d\"", {"a b", "c d"}},
        {"a'b c'd\"e f\"", {"ab cde f"}},
        {"'' \"\"", {"", ""}},
        {"a\\ b c", {"a b", "c"}},
        {"\"a\\\"b\\\\\" \"\\n\"", {"a\"b\\", "\\n"}},
        {"\"\\$a \\`b\" \"\\!\"", {"$a `b", "\\!"}},
        {"'a\\b' 'it\"s'", {"a\\b", "it\"s"}},
        {"\"it's\"", {"it's"}},
        {"a b c d", {"a", "b", "c", "d"}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct cmd_words words;
        struct domm_error err;
        assert_int_equal(cmd_split_words(cases[i].line, &words, &err), 0);
        size_t n = 0;
        for (; cases[i].words[n]; n++) {
            assert_true(n < words.count);
            assert_string_equal(words.items[n], cases[i].words[n]);
        }
        assert_int_equal(words.count, n);
        assert_null(words.items[n]);
        cmd_words_free(&words);
    }
}

static void unfinished_words_are_refused(void **state)
{
    (void)state;
    static const char *const unfinished[] = {"'", "\"", "a 'b", "a \"b", "a \"b\\\"", "a\\", "\\"};
    for (size_t i = 0; i < COUNT(unfinished); i++) {
        struct cmd_words words;
        struct domm_error err;
        if (cmd_split_words(unfinished[i], &words, &err) != -DOMM_USAGE)
            fail_msg("<%s> was accepted", unfinished[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_cut_as_sh_does),
        cmocka_unit_test(unfinished_words_are_refused),
    };
    return cmocka_run_group_tests_name("words", tests, NULL, NULL);
}
