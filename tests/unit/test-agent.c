/* SPDX-License-Identifier: GPL-3.0-or-later */
/* domm-agent's texts: what it takes from dom0, what it tells mount(8), what it answers. */
#include "tests/unit/unit.h"

#include <json-c/json.h>

#include "cmd/guest/answer.h"
#include "cmd/guest/mounter.h"
#include "cmd/guest/ping.h"
#include "cmd/guest/storage.h"
#include "cmd/guest/wanted.h"

static void storage_is_read(void **state)
{
    (void)state;
    struct domm_storage storage;
    struct domm_error err;
    assert_int_equal(wanted_storage_parse("nfs", "filer:/srv/web", "3", &storage, &err), 0);
    assert_int_equal(storage.kind, DOMM_STORAGE_NFS);
    assert_string_equal(storage.source, "filer:/srv/web");
    assert_int_equal(storage.max_age, 3);
    assert_int_equal(wanted_storage_parse("nfs", "[fe80::1]:/", "0", &storage, &err), 0);
    assert_int_equal(storage.max_age, 0);
    static const char *const disks[] = {"xvdb", "xvda1", "xvdaa15", "sdc", "hda2"};
    for (size_t i = 0; i < COUNT(disks); i++) {
        assert_int_equal(wanted_storage_parse("block", disks[i], "3600", &storage, &err), 0);
        assert_int_equal(storage.kind, DOMM_STORAGE_BLOCK);
        assert_string_equal(storage.source, disks[i]);
    }
}

static void hostile_storage_is_refused(void **state)
{
    (void)state;
    static char long_path[600];
    static const struct {
        const char *type, *source, *max_age;
    } hostile[] = {
        {"", "filer:/srv", "3"},
        {"NFS", "filer:/srv", "3"},
        {"tmpfs", "filer:/srv", "3"},
        {"nfs", "", "3"},
        {"nfs", "filer", "3"},
        {"nfs", "/srv", "3"},
        {"nfs", ":/srv", "3"},
        {"nfs", "-o:/srv", "3"},
        {"nfs", "filer:/srv web", "3"},
        {"nfs", "filer:/srv,rw", "3"},
        {"nfs", "filer:/srv\n", "3"},
        {"nfs", "filer:/\033[2J", "3"},
        {"nfs", "filer:/$(reboot)", "3"},
        {"nfs", long_path, "3"},
        {"block", "", "3"},
        {"block", "/dev/xvdb", "3"},
        {"block", "../xvdb", "3"},
        {"block", "mem", "3"},
        {"block", "xvd", "3"},
        {"block", "xvd1", "3"},
        {"block", "xvdabc", "3"},
        {"block", "xvdb1234", "3"},
        {"block", "xvdb1x", "3"},
        {"block", "filer:/srv", "3"},
        {"nfs", "filer:/srv", ""},
        {"nfs", "filer:/srv", "-1"},
        {"nfs", "filer:/srv", "+1"},
        {"nfs", "filer:/srv", " 1"},
        {"nfs", "filer:/srv", "03"},
        {"nfs", "filer:/srv", "3601"},
        {"nfs", "filer:/srv", "99999999999999999999"},
        {"nfs", "filer:/srv", "3,rw"},
        {"nfs", "filer:/srv", "3.5"},
    };
    memcpy(memset(long_path, 'a', sizeof(long_path) - 1), "f:/", 3);
    for (size_t i = 0; i < COUNT(hostile); i++) {
        struct domm_storage storage;
        struct domm_error err;
        if (wanted_storage_parse(hostile[i].type, hostile[i].source, hostile[i].max_age, &storage,
                                 &err) != -DOMM_REFUSED)
            fail_msg("%s %s %s was taken", hostile[i].type, hostile[i].source, hostile[i].max_age);
    }
}

static void names_are_those_of_directories(void **state)
{
    (void)state;
    char name[WANTED_NAME + 1] = "";
    assert_true(wanted_name_fits("web"));
    assert_true(wanted_name_fits("web-1.example_org"));
    assert_false(wanted_name_fits(""));
    assert_false(wanted_name_fits("."));
    assert_false(wanted_name_fits(".."));
    assert_false(wanted_name_fits(".web"));
    assert_false(wanted_name_fits("web/0"));
    assert_false(wanted_name_fits("web 0"));
    assert_false(wanted_name_fits("w\xc3\xa9"
                                  "b"));
    memset(name, 'a', WANTED_NAME - 1);
    assert_true(wanted_name_fits(name));
    memset(name, 'a', WANTED_NAME);
    assert_false(wanted_name_fits(name));
}

static void pings_are_short_and_printable(void **state)
{
    (void)state;
    char text[PING_TEXT + 1] = "";
    assert_true(ping_text_fits("1"));
    assert_true(ping_text_fits("a b ~"));
    assert_false(ping_text_fits(""));
    assert_false(ping_text_fits("a\nb"));
    assert_false(ping_text_fits("\x7f"));
    assert_false(ping_text_fits("\xc3\xa9"));
    memset(text, 'a', PING_TEXT - 1);
    assert_true(ping_text_fits(text));
    memset(text, 'a', PING_TEXT);
    assert_false(ping_text_fits(text));
}

/* The bound on the age of what is seen is that of the attribute cache. */
static void nfs_is_mounted_read_only_and_soft(void **state)
{
    (void)state;
    static const char *const wanted[] = {"ro,",  "nosuid",  "nodev",      "noexec",
                                         "soft", "retry=0", "actimeo=7,", "vers=3,"};
    struct domm_storage storage = {.kind = DOMM_STORAGE_NFS, .source = "filer:/srv", .max_age = 7};
    char options[MOUNT_OPTIONS];
    mount_nfs_options(&storage, 3, options);
    for (size_t i = 0; i < COUNT(wanted); i++)
        assert_contains(options, wanted[i]);
    assert_contains(options, "nolock");
    storage.max_age = 3600;
    mount_nfs_options(&storage, 3, options);
    assert_true(strlen(options) < sizeof(options) - 1);
    mount_nfs_options(&storage, 4, options);
    assert_contains(options, "vers=4,");
    assert_null(strstr(options, "nolock"));
}

static void an_answer_is_compact_json(void **state)
{
    (void)state;
    struct answer answer = {
        .memory_ok = true,
        .n_monitors = 2,
        .monitors = {{.vif = 1}, {.vif = 2, .error = "down"}},
        .n_storage = 2,
        .storage = {{.ok = true, .age_s = 2, .path = "/run/domm-storage/web/0"},
                    {.age_s = ANSWER_NEVER, .error = "no \"way\"\n\xff", .path = "/x/1"}}};
    char text[ANSWER_BYTES];
    answer_format(&answer, text);
    assert_string_equal(
        text, "{\"memory\":{\"ok\":true,\"error\":\"\"},\"network\":[{\"vif\":1,\"ok\":true,"
              "\"error\":\"\"},{\"vif\":2,\"ok\":false,\"error\":\"down\"}],\"storage\":["
              "{\"ok\":true,\"age\":2,\"error\":\"\",\"path\":\"/run/domm-storage/web/0\"},"
              "{\"ok\":false,\"age\":null,\"error\":\"no 'way'??\",\"path\":\"/x/1\"}]}");
    answer = (struct answer){.memory_error = "gone"};
    answer_format(&answer, text);
    assert_string_equal(text, "{\"memory\":{\"ok\":false,\"error\":\"gone\"},\"network\":[],"
                              "\"storage\":[]}");
}

/* With as much of everything, and as long names, as there may be. */
static void the_longest_answer_fits(void **state)
{
    (void)state;
    struct answer answer = {.n_storage = DOMM_RECORD_MAX_ITEMS,
                            .n_monitors = DOMM_RECORD_MAX_ITEMS};
    char text[ANSWER_BYTES], name[WANTED_NAME] = "";
    memset(name, 'n', sizeof(name) - 1);
    memset(answer.memory_error, '"', ANSWER_ERROR - 1);
    for (size_t i = 0; i < DOMM_RECORD_MAX_ITEMS; i++) {
        struct answer_storage *storage = &answer.storage[i];
        answer.monitors[i] = (struct answer_monitor){99, "its network interface is not there"};
        storage->age_s = 999999999;
        memset(storage->error, '"', ANSWER_ERROR - 1);
        snprintf(storage->path, sizeof(storage->path), STORAGE_ROOT "/%s/%zu", name, i);
    }
    answer_format(&answer, text);
    struct json_object *parsed = json_tokener_parse(text);
    assert_non_null(parsed);
    assert_int_equal(json_object_array_length(json_object_object_get(parsed, "storage")),
                     DOMM_RECORD_MAX_ITEMS);
    json_object_put(parsed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(storage_is_read),
        cmocka_unit_test(hostile_storage_is_refused),
        cmocka_unit_test(names_are_those_of_directories),
        cmocka_unit_test(pings_are_short_and_printable),
        cmocka_unit_test(nfs_is_mounted_read_only_and_soft),
        cmocka_unit_test(an_answer_is_compact_json),
        cmocka_unit_test(the_longest_answer_fits),
    };
    return cmocka_run_group_tests_name("agent", tests, NULL, NULL);
}
