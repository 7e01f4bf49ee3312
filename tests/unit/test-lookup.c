/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include "cmd/domm/table.h"

static const struct cmd_row table[] = {
    {.name = "migrate", .alias = "co-migrate"},
    {.name = "monitor-status"},
    {.name = "list"},
    {.name = "listen"},
    {.name = "receive", .flags = CMD_INTERNAL},
    {0},
};

static const char *found(const char *name)
{
    const struct cmd_row *row;
    struct domm_error err;
    return cmd_lookup(table, name, &row, &err) ? "nothing" : row->name;
}

static void exact_names_win(void **state)
{
    (void)state;
    assert_string_equal(found("list"), "list");
    assert_string_equal(found("listen"), "listen");
}

static void a_clear_beginning_is_enough(void **state)
{
    (void)state;
    assert_string_equal(found("mi"), "migrate");
    assert_string_equal(found("mo"), "monitor-status");
    assert_string_equal(found("liste"), "listen");
}

static void another_name_is_as_good(void **state)
{
    (void)state;
    assert_string_equal(found("co-migrate"), "migrate");
    assert_string_equal(found("co"), "migrate");
}

static void an_unclear_beginning_names_the_candidates(void **state)
{
    (void)state;
    const struct cmd_row *row;
    struct domm_error err;
    assert_int_equal(cmd_lookup(table, "m", &row, &err), -DOMM_USAGE);
    assert_contains(err.text, "migrate, monitor-status");
    assert_int_equal(cmd_lookup(table, "lis", &row, &err), -DOMM_USAGE);
    assert_contains(err.text, "list, listen");
}

static void a_slip_gets_the_near_match(void **state)
{
    (void)state;
    static const struct {
        const char *typed;
        const char *hint;
    } slips[] = {{"migarte", "'migrate'"},
                 {"lits", "'list'"},
                 {"comigrate", "'co-migrate'"},
                 {"lisst", "'list'"},
                 {"monitorstatus", "'monitor-status'"},
                 {"status", "'monitor-status'"},
                 {"stat", "'monitor-status'"}};
    for (size_t i = 0; i < COUNT(slips); i++) {
        const struct cmd_row *row;
        struct domm_error err;
        assert_int_equal(cmd_lookup(table, slips[i].typed, &row, &err), -DOMM_USAGE);
        assert_contains(err.text, slips[i].typed);
        assert_contains(err.hint, slips[i].hint);
    }
}

static void something_else_gets_none(void **state)
{
    (void)state;
    static const char *const others[] = {"", "xyz", "-", "receiv", "x", "ts",
                                         "a-name-that-is-much-longer-than-any-command-could-be"};
    for (size_t i = 0; i < COUNT(others); i++) {
        const struct cmd_row *row;
        struct domm_error err;
        assert_int_equal(cmd_lookup(table, others[i], &row, &err), -DOMM_USAGE);
        assert_null(strstr(err.hint, "did you mean"));
    }
}

static void internal_commands_need_their_whole_name(void **state)
{
    (void)state;
    assert_string_equal(found("receive"), "receive");
    assert_string_equal(found("rec"), "nothing");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_names_win),
        cmocka_unit_test(a_clear_beginning_is_enough),
        cmocka_unit_test(another_name_is_as_good),
        cmocka_unit_test(an_unclear_beginning_names_the_candidates),
        cmocka_unit_test(a_slip_gets_the_near_match),
        cmocka_unit_test(something_else_gets_none),
        cmocka_unit_test(internal_commands_need_their_whole_name),
    };
    return cmocka_run_group_tests_name("lookup", tests, NULL, NULL);
}
