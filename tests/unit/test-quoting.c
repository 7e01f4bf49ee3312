/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include "cmd/domm/candidate_list.h"
#include "cmd/domm/quoting.h"

static void quoted_text_is_read_as_it_was(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "plain", "a b", "it's", "say \"hi\"",     "'",        "\"", "\\", "a\\b", "$a `b` !c",
        "'q'",   "#a",  "~",    "*?[]{}()<>|&;^", "\xc3\xa4",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        for (const char *open = CMD_QUOTES;; open++) {
            char line[128];
            char *quoted = cmd_quote(texts[i], *open);
            size_t length = strlen(quoted);
            /* As readline closes the quote. */
            bool closed = length && quoted[length - 1] == *open;
            snprintf(line, sizeof(line), "%.1s%s%.1s", open, quoted, closed ? "" : open);
            char *plain = cmd_unquote(line);
            assert_string_equal(plain, texts[i]);
            free(plain);
            free(quoted);
            if (!*open)
                break;
        }
    }
}

static void open_quotes_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        struct cmd_quoting end;
    } cases[] = {
        {"", {0}},
        {"a b", {.word = 2}},
        {"a ", {.word = 2}},
        {"a\\ b", {.word = 0}},
        {"a\\", {.word = 0, .escaped = true}},
        {"a \"b c", {.word = 2, .quote = '"', .inside = 3}},
        {"a b'c d", {.word = 2, .quote = '\'', .inside = 4}},
        {"'a\\", {.quote = '\'', .inside = 1}},
        {"\"a\\", {.quote = '"', .inside = 1, .escaped = true}},
        {"\"a\\\" b", {.quote = '"', .inside = 1}},
        {"a#b", {.word = 0}},
        {"a #b c", {.word = 2, .comment = true}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct cmd_quoting *end = &cases[i].end;
        struct cmd_quoting found;
        cmd_quoting_read(cases[i].text, strlen(cases[i].text), &found);
        if (found.word != end->word || found.quote != end->quote || found.escaped != end->escaped ||
            found.comment != end->comment || (end->quote && found.inside != end->inside))
            fail_msg("<%s>: word %zu, quote '%c' at %zu", cases[i].text, found.word, found.quote,
                     found.inside);
    }
}

static void words_lose_their_quotes(void **state)
{
    (void)state;
    static const char *const words[][2] = {
        {"a", "a"},         {"", ""},
        {"''", ""},         {"my\\ g", "my g"},
        {"\"my g", "my g"}, {"'it", "it"},
        {"m'y g'", "my g"}, {"'it'\\''s", "it's"},
        {"#a", "#a"},       {"unended\\", "unended\\"},
    };
    for (size_t i = 0; i < COUNT(words); i++) {
        char *plain = cmd_unquote(words[i][0]);
        assert_string_equal(plain, words[i][1]);
        free(plain);
    }
}

/* The one candidate for a word of which `before` stays in the line. */
static void assert_replaces(const char *before, char open, const char *text, const char *expected)
{
    struct cmd_candidates candidates = {0};
    cmd_candidates_add(&candidates, "", text);
    cmd_candidates_quote(&candidates, before, open);
    assert_string_equal(candidates.items[0].text, expected);
    cmd_candidates_free(&candidates);
}

static void a_candidate_replaces_what_readline_takes_out(void **state)
{
    (void)state;
    assert_replaces("", '\0', "my guest", "my\\ guest");
    assert_replaces("", '"', "my guest", "my guest");
    assert_replaces("my", '"', "my guest", " guest");
    assert_replaces("'it'\\'", '\'', "it's mine", "s mine");
    assert_replaces("--data=", '\0', "--data=tls", "tls");
}

static void a_text_of_several_lines_is_no_candidate(void **state)
{
    (void)state;
    struct cmd_candidates candidates = {0};
    cmd_candidates_add(&candidates, "", "two\nlines");
    cmd_candidates_add(&candidates, "", "once");
    cmd_candidates_add(&candidates, "", "once");
    assert_int_equal(candidates.count, 1);
    cmd_candidates_free(&candidates);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quoted_text_is_read_as_it_was),
        cmocka_unit_test(open_quotes_are_found),
        cmocka_unit_test(words_lose_their_quotes),
        cmocka_unit_test(a_candidate_replaces_what_readline_takes_out),
        cmocka_unit_test(a_text_of_several_lines_is_no_candidate),
    };
    return cmocka_run_group_tests_name("quoting", tests, NULL, NULL);
}
