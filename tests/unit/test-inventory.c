/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include "lib/pair/inventory.h"

/* clang-format off */
#define UUID(n) {{n, [15] = n}}
/* clang-format on */

static char dom0[] = "Domain-0", web[] = "web", mail[] = "mail", watch[] = "watch", odd[] = "odd",
            digits[] = "77", nameless[] = "";

/* watch (3) is web's domM, and of a guest that is not here; odd (4) has an unreadable record. */
static struct domm_member members[] = {
    {.domain = {.domid = 0, .name = dom0}},
    {.domain = {.domid = 1, .name = web, .uuid = UUID(1)}},
    {.domain = {.domid = 2, .name = mail, .uuid = UUID(2)}},
    {.domain = {.domid = 3, .name = watch, .uuid = UUID(3)},
     .record_state = DOMM_RECORD_VALID,
     .record = {.n_targets = 2, .targets = {{.uuid = UUID(1)}, {.uuid = UUID(9)}}}},
    {.domain = {.domid = 4, .name = odd, .uuid = UUID(4)}, .record_state = DOMM_RECORD_INVALID},
    {.domain = {.domid = 5, .name = digits, .uuid = UUID(5)}},
    {.domain = {.domid = 6, .name = nameless, .uuid = UUID(6)}},
};
static const struct domm_inventory inventory = {.count = COUNT(members), .members = members};

static void roles_follow_from_the_records(void **state)
{
    (void)state;
    assert_int_equal(domm_inventory_role(&inventory, &members[0]), DOMM_ROLE_NONE);
    assert_int_equal(domm_inventory_role(&inventory, &members[1]), DOMM_ROLE_TARGET);
    assert_int_equal(domm_inventory_role(&inventory, &members[2]), DOMM_ROLE_NONE);
    assert_int_equal(domm_inventory_role(&inventory, &members[3]), DOMM_ROLE_DOMM);
    assert_int_equal(domm_inventory_role(&inventory, &members[4]), DOMM_ROLE_INVALID);
}

static void every_watcher_is_found_once(void **state)
{
    (void)state;
    const struct domm_member *watcher = domm_inventory_watcher(&inventory, &members[1], NULL);
    assert_ptr_equal(watcher, &members[3]);
    assert_null(domm_inventory_watcher(&inventory, &members[1], watcher));
    assert_null(domm_inventory_watcher(&inventory, &members[2], NULL));
}

static void a_target_elsewhere_is_not_here(void **state)
{
    (void)state;
    assert_ptr_equal(domm_inventory_by_uuid(&inventory, &members[3].record.targets[0].uuid),
                     &members[1]);
    assert_null(domm_inventory_by_uuid(&inventory, &members[3].record.targets[1].uuid));
}

static void domains_are_found_by_name_domid_and_uuid(void **state)
{
    (void)state;
    const struct domm_member *found;
    struct domm_error err;
    assert_int_equal(domm_inventory_find(&inventory, "mail", &found, &err), 0);
    assert_ptr_equal(found, &members[2]);
    assert_int_equal(domm_inventory_find(&inventory, "3", &found, &err), 0);
    assert_ptr_equal(found, &members[3]);
    assert_int_equal(
        domm_inventory_find(&inventory, "04000000-0000-0000-0000-000000000004", &found, &err), 0);
    assert_ptr_equal(found, &members[4]);
}

static void nobody_else_is_found(void **state)
{
    (void)state;
    /* All digits is a domid even where a domain is called so, as in xl. */
    static const char *const absent[] = {"77",
                                         "",
                                         "Web",
                                         "99999999999999999999999999",
                                         "-1",
                                         "3x",
                                         "07000000-0000-0000-0000-000000000007",
                                         "4294967297"};
    const struct domm_member *found;
    struct domm_error err;
    for (size_t i = 0; i < COUNT(absent); i++) {
        if (domm_inventory_find(&inventory, absent[i], &found, &err) != -DOMM_NOT_FOUND)
            fail_msg("'%s' was found", absent[i]);
        assert_contains(err.text, absent[i]);
        assert_contains(err.hint, "domm list");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roles_follow_from_the_records),
        cmocka_unit_test(every_watcher_is_found_once),
        cmocka_unit_test(a_target_elsewhere_is_not_here),
        cmocka_unit_test(domains_are_found_by_name_domid_and_uuid),
        cmocka_unit_test(nobody_else_is_found),
    };
    return cmocka_run_group_tests_name("inventory", tests, NULL, NULL);
}
