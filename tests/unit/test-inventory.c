/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include "lib/base/lock.h"
#include "lib/pair/inventory.h"
#include "lib/xen/userdata.h"

/* clang-format off */
#define UUID(n) {{n, [15] = n}}
/* clang-format on */

static char dom0[] = "Domain-0", web[] = "web", mail[] = "mail", watch[] = "watch", odd[] = "odd",
            digits[] = "77", nameless[] = "";

/* watch (3) is web's monitor, and of a guest that is not here; odd (4) has an unreadable record. */
static struct domm_inventory_entry entries[] = {
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
static const struct domm_inventory inventory = {.count = COUNT(entries), .entries = entries};

static void roles_follow_from_the_records(void **state)
{
    (void)state;
    assert_int_equal(domm_inventory_role(&inventory, &entries[0]), DOMM_ROLE_NONE);
    assert_int_equal(domm_inventory_role(&inventory, &entries[1]), DOMM_ROLE_TARGET);
    assert_int_equal(domm_inventory_role(&inventory, &entries[2]), DOMM_ROLE_NONE);
    assert_int_equal(domm_inventory_role(&inventory, &entries[3]), DOMM_ROLE_MONITOR);
    assert_int_equal(domm_inventory_role(&inventory, &entries[4]), DOMM_ROLE_INVALID);
}

static void every_monitor_is_found_once(void **state)
{
    (void)state;
    const struct domm_inventory_entry *monitor =
        domm_inventory_monitor_of(&inventory, &entries[1], NULL);
    assert_ptr_equal(monitor, &entries[3]);
    assert_null(domm_inventory_monitor_of(&inventory, &entries[1], monitor));
    assert_null(domm_inventory_monitor_of(&inventory, &entries[2], NULL));
}

static void a_target_elsewhere_is_not_here(void **state)
{
    (void)state;
    assert_ptr_equal(domm_inventory_by_uuid(&inventory, &entries[3].record.targets[0].uuid),
                     &entries[1]);
    assert_null(domm_inventory_by_uuid(&inventory, &entries[3].record.targets[1].uuid));
}

static void domains_are_found_by_name_domid_and_uuid(void **state)
{
    (void)state;
    const struct domm_inventory_entry *found;
    struct domm_error err;
    assert_int_equal(domm_inventory_find(&inventory, "mail", &found, &err), 0);
    assert_ptr_equal(found, &entries[2]);
    assert_int_equal(domm_inventory_find(&inventory, "3", &found, &err), 0);
    assert_ptr_equal(found, &entries[3]);
    assert_int_equal(
        domm_inventory_find(&inventory, "04000000-0000-0000-0000-000000000004", &found, &err), 0);
    assert_ptr_equal(found, &entries[4]);
}

static void a_pair_is_named_by_any_of_its_guests(void **state)
{
    (void)state;
    static const char *const no_pair[] = {"mail", "Domain-0", "odd"};
    const struct domm_inventory_entry *found;
    struct domm_error err;
    assert_int_equal(domm_inventory_find_pair(&inventory, "web", &found, &err), 0);
    assert_ptr_equal(found, &entries[3]);
    assert_int_equal(domm_inventory_find_pair(&inventory, "watch", &found, &err), 0);
    assert_ptr_equal(found, &entries[3]);
    for (size_t i = 0; i < COUNT(no_pair); i++)
        assert_int_equal(domm_inventory_find_pair(&inventory, no_pair[i], &found, &err),
                         -DOMM_REFUSED);
    assert_contains(err.text, "the record of odd cannot be read");
    assert_int_equal(domm_inventory_find_pair(&inventory, "nobody", &found, &err), -DOMM_NOT_FOUND);
}

static void unknown_domains_are_not_found(void **state)
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
    const struct domm_inventory_entry *found;
    struct domm_error err;
    for (size_t i = 0; i < COUNT(absent); i++) {
        if (domm_inventory_find(&inventory, absent[i], &found, &err) != -DOMM_NOT_FOUND)
            fail_msg("'%s' was found", absent[i]);
        assert_contains(err.text, absent[i]);
        assert_contains(err.hint, "domm list");
    }
}

/* One domain with a record, which is paused in as many looks as its hold lasts, or always. */
static struct {
    int looks, held_looks;
    bool paused_always;
} fake;

int __wrap_domm_xen_domains(struct domm_xen *xen, struct domm_domain **domains_r, size_t *count_r,
                            struct domm_error *err);
int __wrap_domm_xen_userdata_read(struct domm_xen *xen, uint32_t domid, const char *id,
                                  char **data_r, size_t *size_r, struct domm_error *err);
bool __wrap_domm_lock_byte_is_locked(const char *name, uint64_t at);

int __wrap_domm_xen_domains(struct domm_xen *xen, struct domm_domain **domains_r, size_t *count_r,
                            struct domm_error *err)
{
    (void)xen;
    (void)err;
    *domains_r = calloc(1, sizeof(**domains_r));
    assert_non_null(*domains_r);
    bool paused = fake.paused_always || fake.looks < fake.held_looks;
    **domains_r = (struct domm_domain){.domid = 3,
                                       .name = strdup("watch"),
                                       .uuid = UUID(3),
                                       .state = paused ? DOMM_DOMAIN_PAUSED : DOMM_DOMAIN_BLOCKED};
    *count_r = 1;
    fake.looks++;
    return 0;
}

int __wrap_domm_xen_userdata_read(struct domm_xen *xen, uint32_t domid, const char *id,
                                  char **data_r, size_t *size_r, struct domm_error *err)
{
    (void)xen;
    (void)domid;
    (void)id;
    (void)err;
    *data_r = strdup("{\"version\":1,\"targets\":[]}");
    *size_r = strlen(*data_r);
    return 0;
}

bool __wrap_domm_lock_byte_is_locked(const char *name, uint64_t at)
{
    (void)name;
    assert_int_equal(at, 3);
    return fake.looks < fake.held_looks;
}

static enum domm_domain_state state_seen(void)
{
    struct domm_inventory seen;
    struct domm_error err;
    fake.looks = 0;
    assert_int_equal(domm_inventory_read_unscanned(NULL, NULL, NULL, &seen, &err), 0);
    assert_int_equal(seen.count, 1);
    enum domm_domain_state state = seen.entries[0].domain.state;
    domm_inventory_free(&seen);
    return state;
}

/* The hold ends before the pause is seen for the last time, or with it. */
static void a_brief_hold_is_no_pause(void **state)
{
    (void)state;
    fake.paused_always = false;
    for (fake.held_looks = 0; fake.held_looks < 4; fake.held_looks++)
        assert_int_equal(state_seen(), DOMM_DOMAIN_BLOCKED);
}

static void the_pause_of_an_administrator_is_seen(void **state)
{
    (void)state;
    fake.paused_always = true;
    fake.held_looks = 2;
    assert_int_equal(state_seen(), DOMM_DOMAIN_PAUSED);
    assert_in_range(fake.looks, 3, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roles_follow_from_the_records),
        cmocka_unit_test(every_monitor_is_found_once),
        cmocka_unit_test(a_target_elsewhere_is_not_here),
        cmocka_unit_test(domains_are_found_by_name_domid_and_uuid),
        cmocka_unit_test(a_pair_is_named_by_any_of_its_guests),
        cmocka_unit_test(unknown_domains_are_not_found),
        cmocka_unit_test(a_brief_hold_is_no_pause),
        cmocka_unit_test(the_pause_of_an_administrator_is_seen),
    };
    return cmocka_run_group_tests_name("inventory", tests, NULL, NULL);
}
