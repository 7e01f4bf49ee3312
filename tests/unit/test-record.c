/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include "lib/pair/record.h"

#define A "11111111-1111-1111-1111-111111111111"
#define B "22222222-2222-2222-2222-222222222222"
#define T(uuid) "{\"uuid\":\"" uuid "\"}"
#define RECORD(targets) "{\"version\":1,\"targets\":" targets "}"

static int parse(const char *text, struct domm_record *record, struct domm_error *err)
{
    /* A copy of just that size, so that a sanitizer sees a read past the end. */
    size_t size = strlen(text);
    char *copy = malloc(size ? size : 1);
    assert_non_null(copy);
    memcpy(copy, text, size);
    int rc = domm_record_parse(copy, size, record, err);
    free(copy);
    return rc;
}

static void good_records_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t targets;
    } good[] = {
        {RECORD("[]"), 0},
        {RECORD("[" T(A) "]"), 1},
        {RECORD("[" T(A) "," T(B) "]"), 2},
        {" { \"targets\" : [ ] , \"version\" : 1 } \n", 0},
        {"{\"version\":1,\"targets\":[],\"mirror\":{\"vif\":[0]}}", 0},
    };
    struct domm_record record;
    struct domm_error err;
    for (size_t i = 0; i < COUNT(good); i++) {
        if (parse(good[i].text, &record, &err))
            fail_msg("%s: %s", good[i].text, err.text);
        assert_int_equal(record.n_targets, good[i].targets);
    }
}

static void options_of_nfs_are_kept(void **state)
{
    (void)state;
    struct domm_record record, again;
    struct domm_error err;
    char *text;
    assert_int_equal(parse(RECORD("[{\"uuid\":\"" A "\",\"storage\":[{\"nfs\":\"[fd00::3]:/srv\","
                                  "\"options\":\"port=2050,sec=krb5,vers=4.2\"}]}]"),
                           &record, &err),
                     0);
    assert_int_equal(domm_record_format(&record, &text, &err), 0);
    assert_int_equal(parse(text, &again, &err), 0);
    free(text);
    assert_string_equal(again.targets[0].storage[0].source, "[fd00::3]:/srv");
    assert_int_equal(again.targets[0].storage[0].nfs.port, 2050);
    assert_string_equal(again.targets[0].storage[0].nfs.sec, "krb5");
    assert_string_equal(again.targets[0].storage[0].nfs.vers, "4.2");
    static const char *const bad[] = {"port",
                                      "port=",
                                      "port=0",
                                      "port=+1",
                                      "port=65536",
                                      "sec=x",
                                      "vers=5",
                                      "rw=1",
                                      "port=1,",
                                      ",",
                                      "port=65535,sec=krb5p,vers=4.2,vers=4.2,vers=4.2"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        if (domm_nfs_options_parse(bad[i], &record.targets[0].storage[0].nfs, &err) == 0)
            fail_msg("%s was taken", bad[i]);
    }
}

static void bad_records_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *reason;
    } bad[] = {
        {"", "not a JSON object"},
        {"x", "not a JSON object"},
        {"null", "not a JSON object"},
        {"[]", "not a JSON object"},
        {"{", "not a JSON object"},
        {RECORD("[]") RECORD("[]"), "not a JSON object"},
        {RECORD("[]") "garbage", "not a JSON object"},
        {RECORD("[" T(A) ",]"), "not a JSON object"},
        {RECORD("[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]"), "not a JSON object"},
        {"{}", "\"version\""},
        {"{\"targets\":[]}", "\"version\""},
        {"{\"version\":\"1\",\"targets\":[]}", "\"version\""},
        {"{\"version\":1.0,\"targets\":[]}", "\"version\""},
        {"{\"version\":true,\"targets\":[]}", "\"version\""},
        {"{\"version\":0,\"targets\":[]}", "version 0 is unknown"},
        {"{\"version\":2,\"targets\":[]}", "version 2 is unknown"},
        {"{\"version\":18446744073709551617,\"targets\":[]}",
         ""}, /* json-c 0.18 refuses it itself */
        {"{\"version\":1}", "\"targets\" is not an array"},
        {RECORD("null"), "\"targets\" is not an array"},
        {RECORD("\"" A "\""), "\"targets\" is not an array"},
        {RECORD("{}"), "\"targets\" is not an array"},
        {RECORD("[1]"), "not a UUID"},
        {RECORD("[null]"), "not a UUID"},
        {RECORD("[[" T(A) "]]"), "not a UUID"},
        {RECORD("[" T("") "]"), "not a UUID"},
        {RECORD("[" T("guest") "]"), "not a UUID"},
        {RECORD("[" T(A "\\u0000") "]"), "not a UUID"},
        {RECORD("[" T(A) "," T(A) "]"), "named twice"},
        {RECORD("[" T("00000000-0000-0000-0000-000000000000") "]"), "nil UUID"},
    };
    struct domm_record record;
    struct domm_error err;
    for (size_t i = 0; i < COUNT(bad); i++) {
        if (parse(bad[i].text, &record, &err) != -DOMM_REFUSED)
            fail_msg("%s was accepted", bad[i].text);
        assert_contains(err.text, bad[i].reason);
    }
}

static void a_nul_ends_no_record(void **state)
{
    (void)state;
    static const char text[] = RECORD("[]") "\0" RECORD("[]");
    struct domm_record record;
    struct domm_error err;
    assert_int_equal(domm_record_parse(text, sizeof(text) - 1, &record, &err), -DOMM_REFUSED);
}

static char *with_targets(int count)
{
    char *text = calloc(1, 64 + (size_t)count * 64);
    assert_non_null(text);
    char *end = text + sprintf(text, "{\"version\":1,\"targets\":[");
    for (int i = 0; i < count; i++)
        end +=
            sprintf(end, "%s{\"uuid\":\"%08x-0000-0000-0000-000000000000\"}", i ? "," : "", i + 1);
    strcpy(end, "]}");
    return text;
}

static void the_number_of_targets_is_bounded(void **state)
{
    (void)state;
    struct domm_record record;
    struct domm_error err;
    char *most = with_targets(DOMM_RECORD_MAX_TARGETS);
    char *more = with_targets(DOMM_RECORD_MAX_TARGETS + 1);
    assert_int_equal(parse(most, &record, &err), 0);
    assert_int_equal(record.n_targets, DOMM_RECORD_MAX_TARGETS);
    assert_int_equal(parse(more, &record, &err), -DOMM_REFUSED);
    free(most);
    free(more);
}

static void the_size_is_bounded(void **state)
{
    (void)state;
    struct domm_record record;
    struct domm_error err;
    static char text[DOMM_RECORD_MAX_BYTES + 2];
    memset(text, ' ', sizeof(text) - 1);
    memcpy(text, RECORD("[]"), strlen(RECORD("[]")));
    assert_int_equal(parse(text, &record, &err), -DOMM_REFUSED);
    assert_contains(err.text, "bytes");
    text[DOMM_RECORD_MAX_BYTES] = '\0';
    assert_int_equal(parse(text, &record, &err), 0);
}

static void a_formatted_record_is_parsed(void **state)
{
    (void)state;
    static const char text[] =
        "{\"version\":1,\"ready_timeout\":90,\"migrate\":[\"data=tls\",\"max_downtime=500\"],"
        "\"targets\":[{\"uuid\":\"" A "\",\"mirror\":["
        "{\"vif\":0,\"to\":1},{\"vif\":2,\"to\":1,\"vlan\":100,\"protocol\":\"ipv6\"}],"
        "\"storage\":["
        "{\"nfs\":\"filer:/srv/a b\",\"max_age\":5},"
        "{\"nfs\":\"filer:/srv/c\",\"max_age\":3,\"unchecked\":true}]},"
        "{\"uuid\":\"" B "\",\"mirror\":[],\"storage\":[{\"block\":\"xvdb\",\"max_age\":3}]}]}";
    struct domm_record record;
    struct domm_error err;
    char *json, *good = strdup(text);
    assert_int_equal(parse(good, &record, &err), -DOMM_REFUSED);
    *strstr(good, " b") = '_';
    assert_int_equal(parse(good, &record, &err), 0);
    assert_int_equal(record.ready_timeout, 90);
    assert_int_equal(record.migrate.count, 2);
    assert_string_equal(record.migrate.items[1].key, "max_downtime");
    assert_string_equal(record.migrate.items[1].value, "500");
    assert_int_equal(domm_record_format(&record, &json, &err), 0);
    assert_string_equal(json, good);
    assert_ptr_equal(domm_record_find(&record, &record.targets[1].uuid), &record.targets[1]);
    free(json);
    free(good);
}

static void mirrors_and_storage_are_checked(void **state)
{
    (void)state;
#define WITH(entry) RECORD("[{\"uuid\":\"" A "\"," entry "}]")
#define NINE(x) x "," x "," x "," x "," x "," x "," x "," x "," x
    static const char *const bad[] = {
        WITH("\"mirror\":{}"),
        WITH("\"mirror\":[1]"),
        WITH("\"mirror\":[{\"vif\":0}]"),
        WITH("\"mirror\":[{\"vif\":0,\"to\":-1}]"),
        WITH("\"mirror\":[{\"vif\":0,\"to\":128}]"),
        WITH("\"mirror\":[{\"vif\":0,\"to\":1,\"vlan\":4095}]"),
        WITH("\"mirror\":[{\"vif\":0,\"to\":1,\"vlan\":0}]"),
        WITH("\"mirror\":[{\"vif\":0,\"to\":1,\"protocol\":\"ipx\"}]"),
        WITH("\"mirror\":[{\"vif\":0,\"to\":1,\"protocol\":6}]"),
        WITH("\"mirror\":[{\"vif\":0,\"to\":1},{\"vif\":0,\"to\":2}]"),
        WITH("\"mirror\":[" NINE("{}") "]"),
        WITH("\"storage\":[{}]"),
        WITH("\"storage\":[{\"nfs\":\"filer\"}]"),
        WITH("\"storage\":[{\"nfs\":\"-o:/x\"}]"),
        WITH("\"storage\":[{\"nfs\":\"filer:/a,b\"}]"),
        WITH("\"storage\":[{\"nfs\":\"filer:/a\",\"block\":\"xvdb\"}]"),
        WITH("\"storage\":[{\"block\":\"../sda\"}]"),
        WITH("\"storage\":[{\"block\":\"xvdb\",\"max_age\":3601}]"),
        WITH("\"storage\":[{\"block\":\"xvdb\",\"max_age\":\"1\"}]"),
        WITH("\"storage\":[{\"nfs\":\"a:/b\",\"unchecked\":1}]"),
        "{\"version\":1,\"ready_timeout\":0,\"targets\":[]}",
        "{\"version\":1,\"migrate\":{},\"targets\":[]}",
        "{\"version\":1,\"migrate\":[1],\"targets\":[]}",
        "{\"version\":1,\"migrate\":[\"data\"],\"targets\":[]}",
        "{\"version\":1,\"migrate\":[\"data=\"],\"targets\":[]}",
        "{\"version\":1,\"migrate\":[\"=tls\"],\"targets\":[]}",
        "{\"version\":1,\"migrate\":[\"data=tls\",\"data=tcp\"],\"targets\":[]}",
        "{\"version\":1,\"migrate\":[\"data=tls;reboot\"],\"targets\":[]}",
        "{\"version\":1,\"migrate\":[\"data=aaaaaaaaaaaaaaaaaaaaaaaa\"],\"targets\":[]}",
        "{\"version\":1,\"migrate\":[" NINE("\"x=1\"") "],\"targets\":[]}",
    };
    struct domm_record record;
    struct domm_error err;
    for (size_t i = 0; i < COUNT(bad); i++) {
        if (parse(bad[i], &record, &err) != -DOMM_REFUSED)
            fail_msg("%s was accepted", bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_records_are_read),
        cmocka_unit_test(options_of_nfs_are_kept),
        cmocka_unit_test(bad_records_are_refused),
        cmocka_unit_test(a_nul_ends_no_record),
        cmocka_unit_test(the_number_of_targets_is_bounded),
        cmocka_unit_test(the_size_is_bounded),
        cmocka_unit_test(a_formatted_record_is_parsed),
        cmocka_unit_test(mirrors_and_storage_are_checked),
    };
    return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
