/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include "cmd/domm/candidates.h"
#include "cmd/domm/split_words.h"
#include "tests/unit/no-xen.h"

/* clang-format off */
#define UUID(n) {{n, [15] = n}}
/* clang-format on */

/* A host that is made up: ids monitors web; odd has a record that cannot be read. */
int __wrap_domm_inventory_read(struct domm_xen *xen, struct domm_log *log,
                               struct domm_inventory *inventory_r, struct domm_error *err)
{
    static char dom0[] = "Domain-0", web[] = "web", mail[] = "mail", ids[] = "ids", odd[] = "odd";
    static struct domm_inventory_entry entries[] = {
        {.domain = {.domid = 0, .name = dom0}},
        {.domain = {.domid = 1, .name = web, .uuid = UUID(1)}},
        {.domain = {.domid = 2, .name = mail, .uuid = UUID(2)}},
        {.domain = {.domid = 3, .name = ids, .uuid = UUID(3)},
         .record_state = DOMM_RECORD_VALID,
         .record = {.n_targets = 1, .targets = {{.uuid = UUID(1)}}}},
        {.domain = {.domid = 4, .name = odd, .uuid = UUID(4)}, .record_state = DOMM_RECORD_INVALID},
    };
    (void)xen;
    (void)log;
    (void)err;
    *inventory_r = (struct domm_inventory){.count = COUNT(entries), .entries = entries};
    return 0;
}

void __wrap_domm_inventory_free(struct domm_inventory *inventory)
{
    (void)inventory;
}

static const struct cmd_option options[] = {
    {'c', "config", "FILE", .help = ""},
    {'d', "data", "KIND", .help = "", .values = (const char *const[]){"ssh", "tls", "tcp", NULL}},
    {'p', "paused", .help = ""},
    {0},
};
static const struct cmd_row table[] = {
    {.name = "migrate",
     .alias = "co-migrate",
     .options = options,
     .max_operands = 2,
     .completers = {COMPLETE_PAIR, COMPLETE_HOST}},
    {.name = "attach", .max_operands = 2, .completers = {COMPLETE_MONITOR, COMPLETE_OTHER}},
    {.name = "detach", .max_operands = 2, .completers = {COMPLETE_MONITOR, COMPLETE_TARGET}},
    {.name = "list", .max_operands = CMD_ANY_NUMBER, .completers = {COMPLETE_DOMAIN}},
    {.name = "create", .max_operands = CMD_ANY_NUMBER, .completers = {COMPLETE_FILE, COMPLETE_KEY}},
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
        strcat(text, candidates.items[i].text);
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
    assert_string_equal(complete("''", &kind),
                        "migrate co-migrate attach detach list create help describe");
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
    assert_string_equal(complete("help des", &kind), "describe");
    assert_string_equal(complete("help migrate ''", &kind), "");
    complete("migrate ''", &kind);
    assert_int_equal(kind, COMPLETE_PAIR);
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

static void an_argument_may_be_joined_to_its_option(void **state)
{
    (void)state;
    enum cmd_completer kind;
    assert_string_equal(complete("migrate --data=t", &kind), "--data=tls --data=tcp");
    assert_string_equal(complete("migrate --config=", &kind), "");
    assert_string_equal(complete("migrate --paused=", &kind), "");
}

static void domains_are_those_of_the_role(void **state)
{
    (void)state;
    enum cmd_completer kind;
    assert_string_equal(complete("attach ''", &kind), "ids odd");
    assert_string_equal(complete("attach ids ''", &kind), "mail");
    assert_string_equal(complete("detach ids ''", &kind), "web");
    assert_string_equal(complete("migrate ''", &kind), "web ids odd");
    assert_string_equal(complete("list ''", &kind), "Domain-0 web mail ids odd");
}

static void a_configuration_is_overridden_by_keys(void **state)
{
    (void)state;
    enum cmd_completer kind;
    complete("create ''", &kind);
    assert_int_equal(kind, COMPLETE_FILE);
    assert_string_equal(complete("create ids.cfg mem", &kind), "memory=");
    assert_string_equal(complete("create ids.cfg memory=1 vc", &kind), "vcpus=");
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
        cmocka_unit_test(an_argument_may_be_joined_to_its_option),
        cmocka_unit_test(domains_are_those_of_the_role),
        cmocka_unit_test(a_configuration_is_overridden_by_keys),
        cmocka_unit_test(nothing_is_known_of_unknown_commands),
    };
    return cmocka_run_group_tests_name("candidates", tests, NULL, NULL);
}
