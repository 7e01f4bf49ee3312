/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which control groups are brought to rest, in a tree of plain files. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/agent/freezer.h"

static char root[] = "/tmp/domm-freezer-XXXXXX";
static char list[sizeof(root) + 8];

static const struct {
    const char *path, *before, *after;
} groups[] = {
    {"user.slice", "0", "1"},         {"user.slice/a", "0", "0"}, /* rests with what it is in */
    {"init.scope", "0", "0"},         {"system.slice", "0", "0"}, /* on the way to the agent's */
    {"system.slice/agent", "0", "0"}, {"system.slice/agent/below", "0", "0"},
    {"system.slice/other", "0", "1"}, {"system.slice/resting", "1", "1"},
};

static void put(const char *group, const char *file, const char *text)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s/%s", root, group, file);
    FILE *stream = fopen(path, "w");
    assert_non_null(stream);
    fputs(text, stream);
    assert_int_equal(fclose(stream), 0);
}

static char freeze_of(const char *group)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s/cgroup.freeze", root, group);
    FILE *stream = fopen(path, "r");
    assert_non_null(stream);
    int c = fgetc(stream);
    fclose(stream);
    return (char)c;
}

static int make(void **state)
{
    (void)state;
    if (!mkdtemp(root))
        return -1;
    snprintf(list, sizeof(list), "%s/list", root);
    for (size_t i = 0; i < COUNT(groups); i++) {
        char path[256];
        snprintf(path, sizeof(path), "%s/%s", root, groups[i].path);
        if (mkdir(path, 0755))
            return -1;
        put(groups[i].path, "cgroup.freeze", groups[i].before);
        put(groups[i].path, "cgroup.events", "populated 1\nfrozen 0\n");
    }
    return 0;
}

static int clear(void **state)
{
    char command[64];
    (void)state;
    snprintf(command, sizeof(command), "rm -r %s", root);
    return system(command);
}

static void all_but_the_agents_own_way_are_frozen(void **state)
{
    (void)state;
    assert_int_equal(freezer_freeze(root, "/system.slice/agent", list), 0);
    for (size_t i = 0; i < COUNT(groups); i++)
        assert_int_equal(freeze_of(groups[i].path), groups[i].after[0]);
    assert_false(freezer_is_done(list));
    put("user.slice", "cgroup.events", "populated 1\nfrozen 1\n");
    assert_false(freezer_is_done(list));
    put("system.slice/other", "cgroup.events", "populated 1\nfrozen 1\n");
    assert_true(freezer_is_done(list));
}

static void only_groups_that_it_froze_are_thawed(void **state)
{
    (void)state;
    freezer_thaw(list);
    for (size_t i = 0; i < COUNT(groups); i++)
        assert_int_equal(freeze_of(groups[i].path), groups[i].before[0]);
    assert_int_equal(access(list, F_OK), -1);
    freezer_thaw(list); /* again: there is nothing to do */
}

static void an_agent_in_the_root_has_no_siblings(void **state)
{
    (void)state;
    assert_int_equal(freezer_freeze(root, "/", list), 0);
    assert_true(freezer_is_done(list));
    assert_int_equal(freeze_of("user.slice"), '0');
    freezer_thaw(list);
}

static void where_no_list_can_be_kept_nothing_is_frozen(void **state)
{
    (void)state;
    assert_int_equal(freezer_freeze(root, "/system.slice/agent", "/nowhere/list"), -ENOENT);
    assert_int_equal(freeze_of("user.slice"), '0');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_but_the_agents_own_way_are_frozen),
        cmocka_unit_test(only_groups_that_it_froze_are_thawed),
        cmocka_unit_test(an_agent_in_the_root_has_no_siblings),
        cmocka_unit_test(where_no_list_can_be_kept_nothing_is_frozen),
    };
    return cmocka_run_group_tests(tests, make, clear);
}
