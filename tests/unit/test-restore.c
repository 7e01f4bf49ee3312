/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <unistd.h>

#include "lib/base/json.h"
#include "lib/stream/vif_adder.h"
#include "lib/xen/restore_internal.h"
#include "lib/xen/restore_vifs.h"

static const char source[] =
    "{\"c_info\":{\"name\":\"guest\"},\"nics\":["
    "{\"devid\":0,\"mac\":\"00:16:3e:00:00:01\",\"bridge\":\"xenbr0\",\"trusted\":\"True\"},"
    "{\"devid\":1,\"mac\":\"00:16:3e:00:00:02\",\"script\":\"/etc/xen/scripts/vif-route\"}]}";

static struct json_object *merge(const char *stored)
{
    struct domm_error err = {0};
    cleanup_free char *merged = NULL;
    assert_int_equal(domm_restore_merge_vifs(stored, source, &merged, &err), 0);
    struct json_object *config = json_tokener_parse(merged);
    assert_non_null(config);
    return config;
}

static void all_vifs_are_in_the_stored_configuration(void **state)
{
    (void)state;
    static const char *const stored[] = {
        "{\"b_info\":{\"max_memkb\":163840}}",
        /* what libxl has made itself, or an adder that was late has written */
        "{\"b_info\":{\"max_memkb\":163840},\"nics\":[{\"devid\":1}]}",
        "{\"nics\":[{\"devid\":0},{\"devid\":1}],\"b_info\":{\"max_memkb\":163840}}",
    };
    for (size_t i = 0; i < COUNT(stored); i++) {
        cleanup_json struct json_object *config = merge(stored[i]);
        cleanup_json struct json_object *theirs = json_tokener_parse(source);
        assert_true(json_object_equal(json_object_object_get(config, "nics"),
                                      json_object_object_get(theirs, "nics")));
    }
}

static void the_rest_of_the_stored_configuration_stays(void **state)
{
    (void)state;
    const char *text = "{\"c_info\":{\"name\":\"guest--incoming\",\"ssid\":null},"
                       "\"b_info\":{\"max_memkb\":163840,\"big\":18446744073709551615,"
                       "\"deep\":[[{\"a\":[]}]],\"type.pvh\":{\"pvshim\":\"False\"}},"
                       "\"disks\":[{\"pdev_path\":\"/var/lib/\\u00e9 \\\"x\\\"\"}]}";
    cleanup_json struct json_object *config = merge(text);
    cleanup_json struct json_object *before = json_tokener_parse(text);
    json_object_object_del(config, "nics");
    assert_true(json_object_equal(config, before));
    assert_string_equal(json_object_to_json_string(json_object_object_get(
                            json_object_object_get(config, "b_info"), "big")),
                        "18446744073709551615");
}

static void a_guest_without_vifs_gets_none(void **state)
{
    (void)state;
    struct domm_error err = {0};
    cleanup_free char *merged = NULL;
    const char *stored = "{\"b_info\":{\"max_memkb\":163840}}";
    assert_int_equal(domm_restore_merge_vifs(stored, "{\"c_info\":{}}", &merged, &err), 0);
    assert_null(strstr(merged, "nics"));
}

static void malformed_configurations_are_refused(void **state)
{
    (void)state;
    static const char *const stored[] = {
        "",
        "[]",
        "{",
        "{\"nics\":[]}",
        /* the stub, which nothing has replaced */
        "{\"c_info\":{\"type\":\"pvh\",\"name\":\"g\"},\"b_info\":{\"type.pvh\":{}}}",
    };
    for (size_t i = 0; i < COUNT(stored); i++) {
        struct domm_error err = {0};
        char *merged = NULL;
        if (domm_restore_merge_vifs(stored[i], source, &merged, &err) != -DOMM_FAILED)
            fail_msg("'%s' was taken", stored[i]);
        assert_null(merged);
    }
    struct domm_error err = {0};
    char *merged = NULL;
    assert_int_equal(domm_restore_merge_vifs("{\"b_info\":{\"max_memkb\":1}}", "7", &merged, &err),
                     -DOMM_REFUSED);
}

static libxl_device_nic make_vif(int devid, const char *script)
{
    libxl_device_nic nic;
    libxl_device_nic_init(&nic);
    nic.devid = devid;
    nic.mac[5] = 1;
    nic.script = script ? strdup(script) : NULL;
    return nic;
}

static void a_vif_that_might_draw_packets_is_late(void **state)
{
    (void)state;
    static const char *const early[] = {NULL, "vif-bridge", "/etc/xen/scripts/vif-openvswitch",
                                        "/etc/xen/scripts/vif-domm-monitor"};
    static const char *const late[] = {"vif-route", "/etc/xen/scripts/vif-nat", "",
                                       "/opt/vif-bridge-2", "vif-bridge/"};
    for (size_t i = 0; i < COUNT(early); i++) {
        libxl_device_nic nic = make_vif(0, early[i]);
        assert_true(domm_restore_vif_is_early(&nic));
        libxl_device_nic_dispose(&nic);
    }
    for (size_t i = 0; i < COUNT(late); i++) {
        libxl_device_nic nic = make_vif(0, late[i]);
        assert_false(domm_restore_vif_is_early(&nic));
        libxl_device_nic_dispose(&nic);
    }
}

static void a_vif_that_libxl_must_complete_is_late(void **state)
{
    (void)state;
    libxl_device_nic nic = make_vif(-1, NULL);
    assert_false(domm_restore_vif_is_early(&nic));
    nic.devid = 0;
    assert_true(domm_restore_vif_is_early(&nic));
    nic.mac[5] = 0;
    assert_false(domm_restore_vif_is_early(&nic));
    nic.mac[0] = 2;
    nic.backend_domid = 3;
    assert_false(domm_restore_vif_is_early(&nic));
    nic.backend_domid = 0;
    nic.backend_domname = strdup("driver");
    assert_false(domm_restore_vif_is_early(&nic));
    libxl_device_nic_dispose(&nic);
}

static void libxl_restores_the_late_ones(void **state)
{
    (void)state;
    static const char *const scripts[] = {NULL, "vif-route", "vif-bridge", "vif-nat"};
    libxl_domain_config config;
    libxl_domain_config_init(&config);
    config.nics = calloc(COUNT(scripts), sizeof(*config.nics));
    for (size_t i = 0; i < COUNT(scripts); i++)
        config.nics[config.num_nics++] = make_vif((int)i, scripts[i]);
    domm_restore_leave_late_vifs(&config);
    assert_int_equal(config.num_nics, 2);
    assert_int_equal(config.nics[0].devid, 1);
    assert_int_equal(config.nics[1].devid, 3);
    libxl_domain_config_dispose(&config);
}

/* No Xen, or no such domain: in dom0 it waits for one until it is told to end. */
static void an_adder_that_fails_says_why(void **state)
{
    (void)state;
    struct domm_error err = {0};
    struct domm_log log = {0};
    struct domm_child child;
    const struct domm_vif_adder adder = {.log = &log, .json = source, .name = "guest--incoming"};
    assert_int_equal(domm_vif_adder_start(&adder, STDERR_FILENO, &child, &err), 0);
    (void)domm_child_command(&child, DOMM_COMMAND_ABORT, &err);
    assert_int_not_equal(domm_vif_adder_await(&child, &err), 0);
    assert_string_not_equal(err.text, "");
    domm_vif_adder_end(&child);
    assert_int_equal(child.pid, 0);
    domm_vif_adder_end(&child);
}

static int die(void *context, int control, struct domm_error *err)
{
    (void)context;
    (void)control;
    (void)err;
    return 0;
}

static void an_adder_that_dies_has_failed(void **state)
{
    (void)state;
    struct domm_error err = {0};
    struct domm_child child;
    assert_int_equal(domm_child_start(NULL, STDERR_FILENO, die, NULL, &child, &err), 0);
    assert_int_equal(domm_vif_adder_await(&child, &err), -DOMM_FAILED);
    assert_contains(err.text, "has died");
    domm_vif_adder_end(&child);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_vifs_are_in_the_stored_configuration),
        cmocka_unit_test(the_rest_of_the_stored_configuration_stays),
        cmocka_unit_test(a_guest_without_vifs_gets_none),
        cmocka_unit_test(malformed_configurations_are_refused),
        cmocka_unit_test(a_vif_that_might_draw_packets_is_late),
        cmocka_unit_test(a_vif_that_libxl_must_complete_is_late),
        cmocka_unit_test(libxl_restores_the_late_ones),
        cmocka_unit_test(an_adder_that_fails_says_why),
        cmocka_unit_test(an_adder_that_dies_has_failed),
    };
    return cmocka_run_group_tests_name("restore", tests, NULL, NULL);
}
