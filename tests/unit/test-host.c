/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the commands on pairs say of domains that are no monitor, and of what they have done. */
#include "tests/unit/unit.h"

#include "cmd/domm/action.h"
#include "cmd/domm/host.h"

/* clang-format off */
#define UUID(n) {{n, [15] = n}}
/* clang-format on */

static char web[] = "web", mail[] = "mail", ids[] = "ids";
static struct domm_inventory_entry entries[] = {
    {.domain = {.domid = 1, .name = web, .uuid = UUID(1)}},
    {.domain = {.domid = 2, .name = mail, .uuid = UUID(2)}},
    {.domain = {.domid = 3, .name = ids, .uuid = UUID(3)},
     .record_state = DOMM_RECORD_VALID,
     .record = {.n_targets = 2, .targets = {{.uuid = UUID(1)}, {.uuid = UUID(9)}}}},
};
static const struct cmd_host host = {.inventory = {.count = COUNT(entries), .entries = entries}};

static void a_target_is_no_monitor_and_its_monitor_is_named(void **state)
{
    (void)state;
    const struct domm_inventory_entry *found;
    struct domm_error err;
    assert_int_equal(cmd_host_find_monitor(&host, "ids", &found, &err), 0);
    assert_int_equal(cmd_host_find_monitor(&host, "web", &found, &err), -DOMM_REFUSED);
    assert_string_equal(err.text, "web is a target of ids, not a monitor");
    assert_int_equal(cmd_host_find_monitor(&host, "mail", &found, &err), -DOMM_REFUSED);
    assert_string_equal(err.text, "mail is not a monitor");
}

static void an_action_names_its_guests(void **state)
{
    (void)state;
    const struct cmd_context context = {.globals = {.dry_run = true}};
    struct json_object *action = cmd_action_json(&context, "detach", &entries[2]);
    cmd_action_add_record(action, &host.inventory, &entries[2].record);
    const char *text = json_object_to_json_string_ext(action, JSON_C_TO_STRING_PLAIN);
    assert_contains(text, "{\"action\":\"detach\",\"dry_run\":true,\"monitor\":{");
    assert_contains(text, "\"name\":\"ids\",\"domid\":3}");
    assert_contains(text, "\"targets\":[{\"uuid\":\"01000000-");
    assert_contains(text, "\"name\":\"web\",\"domid\":1},{");
    assert_contains(text, "\"name\":null,\"domid\":null}]}");
    json_object_put(action);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_target_is_no_monitor_and_its_monitor_is_named),
        cmocka_unit_test(an_action_names_its_guests),
    };
    return cmocka_run_group_tests_name("host", tests, NULL, NULL);
}
