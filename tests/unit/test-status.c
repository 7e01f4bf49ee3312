/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From measurements to verdicts, and the agent's answers, which are hostile input. */
#include "tests/unit/unit.h"

#include "lib/pair/status.h"

static struct domm_inventory_entry monitor, web;
static struct domm_record_target record_target;
static struct domm_pair_status pair;
static struct domm_status status;

/* A pair of which all is well. */
static int start(void **state)
{
    (void)state;
    monitor = (struct domm_inventory_entry){.domain = {.domid = 2, .state = DOMM_DOMAIN_BLOCKED}};
    web = (struct domm_inventory_entry){.domain = {.domid = 1, .state = DOMM_DOMAIN_RUNNING}};
    record_target = (struct domm_record_target){
        .n_mirrors = 1, .mirrors = {{0, 1}}, .n_storage = 1, .storage = {{.max_age = 3}}};
    pair = (struct domm_pair_status){.target = &record_target, .entry = &web};
    pair.answer = (struct domm_agent_answer){.given = true,
                                             .memory = {.ok = true},
                                             .n_monitor_vifs = 1,
                                             .monitor_devids = {1},
                                             .monitor_vifs = {{.ok = true}}};
    pair.stores[0] = (struct domm_storage_status){.configured = &record_target.storage[0],
                                                  .claim = {.ok = true, .age_s = 2}};
    pair.mirrors[0] = (struct domm_mirror_status){
        .configured = {0, 1},
        .ends = {.target_ifindex = 5, .monitor_ifindex = 6},
        .measured = true,
        .state = {.target = {.ifindex = 5, .up = true, .carrier = true, .operstate = "up"},
                  .monitor = {.ifindex = 6, .up = true, .carrier = true, .operstate = "up"},
                  .sent = {.ours = true, .action = DOMM_TC_FILTER_MIRROR, .mirror_to = 6},
                  .received = {.ours = true, .action = DOMM_TC_FILTER_MIRROR, .mirror_to = 6},
                  .guard = {.ours = true, .action = DOMM_TC_FILTER_DROP}},
    };
    status = (struct domm_status){
        .monitor = &monitor, .service = true, .answered = true, .n_pairs = 1, .pairs = &pair};
    return 0;
}

static void expect(enum domm_verdict verdict, const char *reason)
{
    domm_status_judge(&status);
    if (pair.all.verdict != verdict || !strstr(pair.all.reason, reason))
        fail_msg("%s: %s", domm_verdict_name(pair.all.verdict), pair.all.reason);
    assert_int_equal(status.worst, verdict);
}

static void all_well_is_ready(void **state)
{
    (void)state;
    expect(DOMM_VERDICT_READY, "");
    assert_string_equal(pair.all.reason, "");
}

static void one_of_three_lost_is_degraded(void **state)
{
    pair.answer.memory = (struct domm_claim){.error = "no page"};
    expect(DOMM_VERDICT_DEGRADED, "memory: the agent cannot read it: no page");
    start(state);
    pair.mirrors[0].state.sent.ours = pair.mirrors[0].state.received.ours = false;
    expect(DOMM_VERDICT_DEGRADED, "network: ");
    assert_int_equal(pair.network.verdict, DOMM_VERDICT_BLIND);
    start(state);
    pair.answer.monitor_vifs[0] = (struct domm_claim){.error = "is down"};
    expect(DOMM_VERDICT_DEGRADED, "network: vif 1 in the monitor: is down");
    start(state);
    pair.mirrors[0].ends.target_ifindex = 0;
    expect(DOMM_VERDICT_DEGRADED, "network: the target has no vif 0");
    start(state);
    pair.stores[0].claim = (struct domm_claim){.age_s = -1, .error = "timed out"};
    expect(DOMM_VERDICT_DEGRADED, "storage: : timed out");
}

static void a_part_of_one_lost_is_degraded(void **state)
{
    pair.mirrors[0].state.sent.ours = false;
    expect(DOMM_VERDICT_DEGRADED, "network: ");
    assert_int_equal(pair.network.verdict, DOMM_VERDICT_DEGRADED);
    start(state);
    pair.stores[0].claim.age_s = 60;
    expect(DOMM_VERDICT_DEGRADED, "last read 60 s ago");
    start(state);
    strcpy(pair.stores[0].claim.error, "root cannot read etc/shadow");
    expect(DOMM_VERDICT_DEGRADED, "storage: : root cannot read etc/shadow");
    start(state);
    pair.mirrors[0].lost = 3;
    expect(DOMM_VERDICT_DEGRADED, "network: 3 packets have not reached the monitor");
    start(state);
    pair.mirrors[0].state.before_sent = 1;
    expect(DOMM_VERDICT_DEGRADED, "network: : a filter of another program comes before");
    start(state);
    strcpy(status.scan_error, "1\xc2\x9b");
    expect(DOMM_VERDICT_DEGRADED, "page tables cannot be read, so its mappings are not known: 1??");
    start(state);
    pair.answer.memory = (struct domm_claim){.ok = true, .error = "only a part"};
    expect(DOMM_VERDICT_DEGRADED, "memory: only a part");
    start(state);
    status.service = false;
    expect(DOMM_VERDICT_DEGRADED, "memory: dommd does not run");
    start(state);
    status.writable = 1;
    expect(DOMM_VERDICT_DEGRADED, "memory: 1 mappings in the monitor are writable");
    start(state);
    pair.pages = (struct domm_pages){.owned = 100, .seen = 93, .hidden = 7};
    expect(DOMM_VERDICT_DEGRADED, "memory: 7 of its 100 pages are not seen");
    start(state);
    pair.pages = (struct domm_pages){.owned = 100, .seen = 93}; /* for a moment */
    expect(DOMM_VERDICT_READY, "");
    start(state);
    status.hidden = 2;
    expect(DOMM_VERDICT_DEGRADED, "memory: the monitor hides 2 of its pages");
}

static void nothing_seen_is_blind(void **state)
{
    status.answered = false;
    expect(DOMM_VERDICT_DEGRADED, "no sign of life"); /* packets arrive all the same */
    start(state);
    status.answered = false;
    pair.mirrors[0].measured = false;
    expect(DOMM_VERDICT_BLIND, "no sign of life");
    start(state);
    status.scanned = true; /* and no frame found */
    expect(DOMM_VERDICT_DEGRADED, "memory: no frame of a target is mapped");
    assert_int_equal(pair.memory.verdict, DOMM_VERDICT_BLIND);
    start(state);
    monitor.domain.state = DOMM_DOMAIN_PAUSED;
    expect(DOMM_VERDICT_BLIND, "the monitor is paused");
    start(state);
    pair.entry = NULL;
    expect(DOMM_VERDICT_BLIND, "not on this host");
}

static void unconfigured_aspects_do_not_count(void **state)
{
    (void)state;
    record_target.n_mirrors = record_target.n_storage = 0;
    expect(DOMM_VERDICT_READY, "");
    assert_int_equal(pair.network.verdict, DOMM_VERDICT_NONE);
    pair.answer.given = false;
    expect(DOMM_VERDICT_BLIND, "does not report on this target");
}

static void answers_are_read(void **state)
{
    (void)state;
    struct domm_agent_answer answer;
    assert_true(domm_agent_answer_parse(
        "{\"memory\":{\"ok\":true,\"error\":\"\"},"
        "\"network\":[{\"vif\":1,\"ok\":false,\"error\":\"x\"},{},2],\"storage\":["
        "{\"ok\":true,\"age\":4,\"path\":\"/mnt\"},"
        "{\"ok\":false,\"age\":null,\"error\":\"a\\nb\\u009b\xc2\x9b\"}]}",
        &answer));
    assert_true(answer.given && answer.memory.ok);
    assert_int_equal(answer.n_monitor_vifs, 1);
    assert_int_equal(answer.monitor_devids[0], 1);
    assert_string_equal(answer.monitor_vifs[0].error, "x");
    assert_int_equal(answer.n_storage, 2);
    assert_int_equal(answer.storage[0].age_s, 4);
    assert_string_equal(answer.storage[0].path, "/mnt");
    assert_int_equal(answer.storage[1].age_s, -1);
    assert_string_equal(answer.storage[1].error, "a?b????");
}

static void numbers_of_pages_are_read(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",        "1 2 3 4 5",     "1 2 3 4 5 6 ", " 1 2 3 4 5 6",
        "1 2 3 x", "1 2 3 4 5 6 7", "1 2 -3 4 5 6", "1 2 3 4 5 99999999999999999999"};
    const struct domm_pages pages = {1, 2, 3, 4, 5, UINT64_MAX};
    struct domm_pages got;
    char text[DOMM_PAGES_TEXT];
    domm_pages_format(&pages, text);
    assert_string_equal(text, "1 2 3 4 5 18446744073709551615");
    assert_true(domm_pages_parse(text, &got));
    assert_memory_equal(&got, &pages, sizeof(got));
    for (size_t i = 0; i < COUNT(bad); i++) {
        if (domm_pages_parse(bad[i], &got) || got.owned)
            fail_msg("%s was taken for numbers", bad[i]);
    }
}

static void senseless_answers_are_none(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "x",
                                      "1",
                                      "[]",
                                      "null",
                                      "{}",
                                      "{\"memory\"",
                                      "{\"a\":1}",
                                      "[[[[[[[[[[[[[[]]]]]]]]]]]]]]"};
    struct domm_agent_answer answer;
    for (size_t i = 0; i < COUNT(bad); i++) {
        if (domm_agent_answer_parse(bad[i], &answer) || answer.given)
            fail_msg("%s was taken for an answer", bad[i]);
    }
    assert_true(domm_agent_answer_parse("{\"memory\":1,\"storage\":{}}", &answer));
    assert_false(answer.memory.ok);
    assert_true(domm_agent_answer_parse(
        "{\"memory\":{\"ok\":\"yes\"},\"storage\":[1,2,3,4,5,6,7,8,9]}", &answer));
    assert_false(answer.memory.ok);
    assert_int_equal(answer.n_storage, DOMM_RECORD_MAX_ITEMS);
    assert_false(answer.storage[0].ok);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(all_well_is_ready, start),
        cmocka_unit_test_setup(one_of_three_lost_is_degraded, start),
        cmocka_unit_test_setup(a_part_of_one_lost_is_degraded, start),
        cmocka_unit_test_setup(nothing_seen_is_blind, start),
        cmocka_unit_test_setup(unconfigured_aspects_do_not_count, start),
        cmocka_unit_test(answers_are_read),
        cmocka_unit_test(numbers_of_pages_are_read),
        cmocka_unit_test(senseless_answers_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
