/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include "cmd/domm/candidates.h"
#include "cmd/domm/words.h"

static const struct cmd_option options[] = {
    {'c', "config", "FILE", .help = ""},
    {'d', "data", "KIND", "", (const char *const[]){"ssh", "tls", "tcp", NULL}},
    {'p', "paused", .help = ""},
    {0},
};
static const struct cmd_row table[] = {
    {.name = "migrate",
     .options = options,
     .max_operands = 2,
     .completers = {COMPLETE_DOMAIN, COMPLETE_HOST}},
    {.name = "help", .max_operands = 1, .completers = {COMPLETE_COMMAND}},
    {.name = "describe", .max_operands = CMD_ANY_NUMBER, .completers = {COMPLETE_COMMAND}},
    {.name = "receive", .flags = CMD_INTERNAL},
    {0},
};

/* The candidates for the last word of a line, as "a b c"; '' is an empty word. */
static const char *complete(const char *line, enum cmd_completer *kind_r)
{
    static char text[512];
    struct cmd_words words;
    struct cmd_candidates candidates;
    struct domm_error err;
    assert_int_equal(cmd_split_words(line, &words, &err), 0);
    cmd_candidates_find(table, words.count, words.items, &candidates);
    text[0] = '\0';
    for (size_t i = 0; i < candidates.count; i++) {
        strcat(text, i ? " " : "");
        strcat(text, candidates.items[i]);
    }
    *kind_r = candidates.kind;
    cmd_candidates_free(&candidates);
    cmd_words_free(&words);
    return text;
}

static void the_first_word_is_a_command(void **state)
{
    (void)state;
    enum cmd_completer kind;
    assert_string_equal(complete("''", &kind), "migrate help describe");
    assert_string_equal(complete("m", &kind), "migrate");
    assert_string_equal(complete("-v --json h", &kind), "help");
    assert_string_equal(complete("rec", &kind), "");
}

static void options_are_those_of_the_place(void **state)
{
    (void)state;
    enum cmd_completer kind;
    assert_string_equal(complete("--js", &kind), "--json");
    assert_string_equal(complete("migrate --pa", &kind), "--paused");
    assert_string_equal(complete("migrate x --js", &kind), "--json");
    assert_string_equal(complete("help --pa", &kind), "");
    assert_string_equal(complete("migrate -- --pa", &kind), "");
}

static void operands_are_those_of_the_place(void **state)
{
    (void)state;
    enum cmd_completer kind;
    assert_string_equal(complete("help d", &kind), "describe");
    assert_string_equal(complete("help migrate ''", &kind), "");
    complete("migrate ''", &kind);
    assert_int_equal(kind, COMPLETE_DOMAIN);
    complete("migrate -p guest ''", &kind);
    assert_int_equal(kind, COMPLETE_HOST);
    complete("migrate guest host ''", &kind);
    assert_int_equal(kind, COMPLETE_NONE);
    assert_string_equal(complete("describe help help m", &kind), "migrate");
}

static void an_option_takes_its_argument(void **state)
{
    (void)state;
    enum cmd_completer kind;
    assert_string_equal(complete("migrate --config ''", &kind), "");
    assert_int_equal(kind, COMPLETE_NONE);
    assert_string_equal(complete("migrate --data ''", &kind), "ssh tls tcp");
    assert_string_equal(complete("migrate -pd t", &kind), "tls tcp");
    complete("migrate -c file guest ''", &kind);
    assert_int_equal(kind, COMPLETE_HOST);
}

static void nothing_is_known_of_unknown_commands(void **state)
{
    (void)state;
    enum cmd_completer kind;
    assert_string_equal(complete("nonsense ''", &kind), "");
    assert_int_equal(kind, COMPLETE_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_word_is_a_command),
        cmocka_unit_test(options_are_those_of_the_place),
        cmocka_unit_test(operands_are_those_of_the_place),
        cmocka_unit_test(an_option_takes_its_argument),
        cmocka_unit_test(nothing_is_known_of_unknown_commands),
    };
    return cmocka_run_group_tests_name("candidates", tests, NULL, NULL);
}
