/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include "cmd/domm/arguments.h"
#include "cmd/domm/split_words.h"

static const struct cmd_option own[] = {
    {'t', "timeout", "SECONDS", .help = ""},
    {256, "format", "NAME", .help = "", .values = (const char *const[]){"text", "json", NULL}},
    {'f', "force", .help = ""},
    {0},
};
static const struct cmd_option global[] = {
    {'v', "verbose", .help = ""},
    {'t', "timestamps", .help = ""},
    {257, "json", .help = ""},
    {0},
};

struct parsed {
    struct cmd_words words;
    struct cmd_arguments a;
    struct domm_error err;
};

/* line begins with the program's name. What fails needs no release. */
static int parse(const char *line, bool stop, struct parsed *parsed)
{
    assert_int_equal(cmd_split_words(line, &parsed->words, &parsed->err), 0);
    int rc = cmd_parse((int)parsed->words.count, parsed->words.items, own, global, stop, &parsed->a,
                       &parsed->err);
    if (rc)
        cmd_words_free(&parsed->words);
    return rc;
}

static void release(struct parsed *parsed)
{
    cmd_arguments_free(&parsed->a);
    cmd_words_free(&parsed->words);
}

static void options_and_operands_may_mix(void **state)
{
    (void)state;
    struct parsed p;
    assert_int_equal(parse("domm one -f two --timeout 5 --json", false, &p), 0);
    assert_int_equal(p.a.n_options, 3);
    assert_int_equal(p.a.options[0].id, 'f');
    assert_int_equal(p.a.options[1].id, 't');
    assert_string_equal(p.a.options[1].value, "5");
    assert_int_equal(p.a.options[2].id, 257);
    assert_int_equal(p.a.n_operands, 2);
    assert_string_equal(p.a.operands[0], "one");
    assert_string_equal(p.a.operands[1], "two");
    release(&p);
}

static void a_value_is_one_of_those_listed(void **state)
{
    (void)state;
    struct parsed p;
    assert_int_equal(parse("domm --format json --format=text", false, &p), 0);
    assert_int_equal(p.a.options[0].choice, 1);
    assert_int_equal(p.a.options[1].choice, 0);
    release(&p);
}

static void a_cluster_is_several_options(void **state)
{
    (void)state;
    struct parsed p;
    assert_int_equal(parse("domm -vvvft9", false, &p), 0);
    assert_int_equal(p.a.n_options, 5);
    assert_string_equal(p.a.options[4].value, "9");
    release(&p);
}

static void options_in_both_lists_belong_to_the_first(void **state)
{
    (void)state;
    struct parsed p;
    assert_int_equal(parse("domm -t x", false, &p), 0);
    assert_string_equal(p.a.options[0].value, "x");
    assert_int_equal(p.a.n_operands, 0);
    release(&p);
}

static void two_hyphens_end_the_options(void **state)
{
    (void)state;
    struct parsed p;
    assert_int_equal(parse("domm -- -f --nonsense", false, &p), 0);
    assert_int_equal(p.a.n_options, 0);
    assert_int_equal(p.a.n_operands, 2);
    release(&p);
}

static void it_can_stop_at_the_command(void **state)
{
    (void)state;
    struct parsed p;
    assert_int_equal(parse("domm -v list --nonsense", true, &p), 0);
    assert_int_equal(p.a.n_options, 1);
    assert_int_equal(p.a.n_operands, 2);
    release(&p);
}

static void wrong_options_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *text;
    } wrong[] = {
        {"domm -x", "unknown option -x"},
        {"domm y -vx", "unknown option -x"},
        {"domm --nonsense", "unknown option --nonsense"},
        {"domm --nonsense=1", "unknown option --nonsense"},
        {"domm --f", "--f is ambiguous: --format, --force"},
        {"domm --force=1", "--force takes no argument"},
        {"domm --format", "--format needs an argument"},
        {"domm -t", "--timeout needs an argument"},
        {"domm --format=xml", "--format: 'xml' is not one of text, json"},
        {"domm --format=", "--format: '' is not one of"},
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct parsed p;
        assert_int_equal(parse(wrong[i].line, false, &p), -DOMM_USAGE);
        assert_contains(p.err.text, wrong[i].text);
    }
}

/* As a line of the shell is parsed while the shell's own options still stand. */
static void parsing_again_starts_afresh(void **state)
{
    (void)state;
    struct parsed outer, inner;
    assert_int_equal(parse("domm -ff a b", false, &outer), 0);
    assert_int_equal(parse("domm -v", false, &inner), 0);
    assert_int_equal(outer.a.n_options, 2);
    assert_int_equal(inner.a.n_options, 1);
    assert_int_equal(inner.a.options[0].id, 'v');
    release(&outer);
    release(&inner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_and_operands_may_mix),
        cmocka_unit_test(a_value_is_one_of_those_listed),
        cmocka_unit_test(a_cluster_is_several_options),
        cmocka_unit_test(options_in_both_lists_belong_to_the_first),
        cmocka_unit_test(two_hyphens_end_the_options),
        cmocka_unit_test(it_can_stop_at_the_command),
        cmocka_unit_test(wrong_options_are_named),
        cmocka_unit_test(parsing_again_starts_afresh),
    };
    return cmocka_run_group_tests_name("arguments", tests, NULL, NULL);
}
