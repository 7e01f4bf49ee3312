/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The mirror on a made-up kernel: the functions of link.h and tc.h below stand in for the real
 * ones, keep devices in memory, and fail where a test says.
 */
#include "tests/unit/unit.h"

#include "lib/net/mirror.h"

enum { TARGET, OTHER, MONITOR, SECOND, DEVICES };

struct device {
    struct domm_link link;
    enum domm_tc_qdisc qdisc;
    uint64_t qdisc_dropped;
    struct domm_tc_hook hooks[DOMM_HOOKS];
};

static struct device devices[DEVICES];
static struct domm_selection selection;  /* of the mirrors that are asked for */
static int calls, fail_from, fail_until; /* which calls fail, counted from 1 */

static int index_of(int device)
{
    return device + 10;
}

static struct device *find(int ifindex)
{
    struct device *device = &devices[ifindex - 10];
    return device->link.ifindex ? device : NULL;
}

/* For calls that are only ever made for a device that is there. */
static struct device *existing(int ifindex)
{
    struct device *device = find(ifindex);
    if (!device)
        abort();
    return device;
}

static bool fails(void)
{
    calls++;
    return calls >= fail_from && calls < fail_until;
}

static int failure(struct domm_error *err)
{
    return domm_fail(err, DOMM_FAILED, "call %d", calls);
}

static int gone(struct domm_error *err)
{
    return domm_fail(err, DOMM_NOT_FOUND, "no such device");
}

int domm_link_by_index(struct nl_sock *sock, int ifindex, struct domm_link *link_r,
                       struct domm_error *err)
{
    (void)sock;
    if (!find(ifindex))
        return gone(err);
    *link_r = existing(ifindex)->link;
    return fails() ? failure(err) : 0;
}

int domm_link_set_up(struct nl_sock *sock, int ifindex, bool up, struct domm_error *err)
{
    (void)sock;
    if (fails())
        return failure(err);
    if (!find(ifindex))
        return gone(err);
    /* No packet from the monitor, ever: not here, and not where the guard goes. */
    if (up && existing(ifindex)->hooks[DOMM_HOOK_INGRESS].ours.action != DOMM_TC_FILTER_DROP)
        fail_msg("%s is set up without a guard", existing(ifindex)->link.name);
    existing(ifindex)->link.up = up;
    return 0;
}

int domm_tc_read_qdiscs(struct nl_sock *sock, int ifindex, struct domm_tc_qdiscs *qdiscs_r,
                        struct domm_error *err)
{
    (void)sock;
    *qdiscs_r = (struct domm_tc_qdiscs){.ingress = DOMM_TC_NO_QDISC};
    if (find(ifindex))
        *qdiscs_r = (struct domm_tc_qdiscs){.ingress = find(ifindex)->qdisc,
                                            .dropped = find(ifindex)->qdisc_dropped};
    return fails() ? failure(err) : 0;
}

int domm_tc_add_clsact(struct nl_sock *sock, int ifindex, bool *created_r, struct domm_error *err)
{
    (void)sock;
    if (fails())
        return failure(err);
    *created_r = existing(ifindex)->qdisc == DOMM_TC_NO_QDISC;
    existing(ifindex)->qdisc = DOMM_TC_CLSACT;
    return 0;
}

int domm_tc_delete_clsact(struct nl_sock *sock, int ifindex, struct domm_error *err)
{
    (void)sock;
    if (fails())
        return failure(err);
    existing(ifindex)->qdisc = DOMM_TC_NO_QDISC;
    memset(existing(ifindex)->hooks, 0, sizeof(existing(ifindex)->hooks));
    return 0;
}

int domm_tc_read_hook(struct nl_sock *sock, int ifindex, enum domm_hook hook,
                      struct domm_tc_hook *hook_r, struct domm_error *err)
{
    (void)sock;
    *hook_r = existing(ifindex)->hooks[hook];
    return fails() ? failure(err) : 0;
}

int domm_tc_add_filter(struct nl_sock *sock, const struct domm_tc_filter *filter,
                       struct domm_error *err)
{
    (void)sock;
    if (fails())
        return failure(err);
    struct domm_tc_hook *hook = &existing(filter->ifindex)->hooks[filter->hook];
    assert_int_equal(existing(filter->ifindex)->qdisc, DOMM_TC_CLSACT);
    assert_false(hook->ours.ours);
    hook->ours = *filter;
    hook->ours.ours = true;
    return 0;
}

int domm_tc_delete_filter(struct nl_sock *sock, const struct domm_tc_filter *filter,
                          struct domm_error *err)
{
    (void)sock;
    if (fails())
        return failure(err);
    if (filter->action == DOMM_TC_FILTER_DROP && existing(filter->ifindex)->link.up)
        fail_msg("%s loses its guard while it is up", existing(filter->ifindex)->link.name);
    memset(&existing(filter->ifindex)->hooks[filter->hook].ours, 0, sizeof(struct domm_tc_filter));
    return 0;
}

static int start(void **state)
{
    (void)state;
    static const char *const names[] = {"vif1.0", "vif2.0", "vif3.1", "vif4.1"};
    calls = fail_from = fail_until = 0;
    selection = (struct domm_selection){0};
    for (int i = 0; i < DEVICES; i++) {
        devices[i] = (struct device){
            .link = {.ifindex = index_of(i), .carrier = true, .up = i == TARGET || i == OTHER}};
        strcpy(devices[i].link.name, names[i]);
    }
    return 0;
}

static int install(int target, int monitor, struct domm_error *err)
{
    return domm_mirror_install(NULL, index_of(target), index_of(monitor), &selection, err);
}

static const char *problem(int target, int monitor)
{
    static char text[DOMM_MIRROR_PROBLEM];
    struct domm_mirror_state measured;
    struct domm_error err;
    assert_int_equal(
        domm_mirror_measure(NULL, index_of(target), index_of(monitor), &selection, &measured, &err),
        0);
    bool has_problem = domm_mirror_problem(&measured, text);
    assert_int_equal(has_problem, text[0] != '\0');
    return text;
}

static void what_the_queue_has_dropped_counts(void **state)
{
    (void)state;
    struct domm_mirror_state measured;
    struct domm_error err;
    devices[MONITOR].link.dropped = 3;
    devices[MONITOR].qdisc_dropped = 4;
    devices[TARGET].qdisc_dropped = 50;
    assert_int_equal(
        domm_mirror_measure(NULL, index_of(TARGET), index_of(MONITOR), &selection, &measured, &err),
        0);
    assert_int_equal(domm_mirror_dropped(&measured), 7);
}

static void it_comes_and_leaves_nothing(void **state)
{
    (void)state;
    struct device before[DEVICES];
    struct domm_error err;
    memcpy(before, devices, sizeof(devices));
    assert_int_equal(install(TARGET, MONITOR, &err), 0);
    assert_string_equal(problem(TARGET, MONITOR), "");
    assert_int_equal(install(TARGET, MONITOR, &err), 0); /* again: nothing to do */
    assert_string_equal(problem(TARGET, MONITOR), "");
    assert_int_equal(domm_mirror_remove(NULL, index_of(TARGET), &err), 0);
    assert_int_equal(domm_mirror_unguard(NULL, index_of(MONITOR), &err), 0);
    assert_memory_equal(before, devices, sizeof(devices));
    assert_int_equal(domm_mirror_remove(NULL, index_of(TARGET), &err), 0);
}

/* Every call fails once, and after it all work again, so that undoing succeeds. */
static void a_failure_at_any_step_leaves_all_as_before(void **state)
{
    struct device before[DEVICES];
    struct domm_error err;
    int steps = 0;
    memcpy(before, devices, sizeof(devices));
    while (true) {
        start(state);
        fail_from = ++steps;
        fail_until = steps + 1;
        if (install(TARGET, MONITOR, &err) == 0)
            break;
        assert_int_equal(err.code, DOMM_FAILED);
        if (memcmp(before, devices, sizeof(devices)) != 0)
            fail_msg("call %d failed and something is left", steps);
    }
    assert_true(steps > 8);
}

static void a_failing_undo_is_told(void **state)
{
    (void)state;
    struct domm_error err;
    assert_int_equal(install(TARGET, MONITOR, &err), 0);
    int last = calls;
    start(state);
    fail_from = last;
    fail_until = 1000;
    assert_int_equal(install(TARGET, MONITOR, &err), -DOMM_OUTCOME_UNKNOWN);
    assert_contains(err.text, "undoing failed");
}

static void manual_damage_is_seen_and_repaired(void **state)
{
    (void)state;
    struct domm_error err;
    struct domm_tc_hook *ingress = &devices[TARGET].hooks[DOMM_HOOK_INGRESS];
    struct domm_tc_hook *egress = &devices[TARGET].hooks[DOMM_HOOK_EGRESS];
    assert_int_equal(install(TARGET, MONITOR, &err), 0);

    ingress->ours.ours = false;
    assert_contains(problem(TARGET, MONITOR), "sends is not mirrored");
    assert_int_equal(install(TARGET, MONITOR, &err), 0);
    egress->ours.mirror_to = 0; /* the monitor was re-created */
    assert_contains(problem(TARGET, MONITOR), "receives is not mirrored");
    assert_int_equal(install(TARGET, MONITOR, &err), 0);
    egress->ours.action = DOMM_TC_FILTER_OTHER;
    assert_contains(problem(TARGET, MONITOR), "receives is not mirrored");
    assert_int_equal(install(TARGET, MONITOR, &err), 0);
    devices[MONITOR].link.up = false;
    assert_contains(problem(TARGET, MONITOR), "vif3.1 is down");
    assert_int_equal(install(TARGET, MONITOR, &err), 0);
    assert_string_equal(problem(TARGET, MONITOR), "");
    devices[MONITOR].link.carrier = false;
    assert_contains(problem(TARGET, MONITOR), "no carrier");
    memset(&devices[MONITOR].hooks[DOMM_HOOK_INGRESS], 0, sizeof(struct domm_tc_hook));
    assert_contains(problem(TARGET, MONITOR), "not guarded");
    devices[MONITOR].link.master = 3;
    assert_contains(problem(TARGET, MONITOR), "on a bridge");
}

static void a_mirror_copies_what_is_selected(void **state)
{
    (void)state;
    struct domm_error err;
    struct domm_tc_filter *sent = &devices[TARGET].hooks[DOMM_HOOK_INGRESS].ours;
    assert_int_equal(install(TARGET, MONITOR, &err), 0);
    selection = (struct domm_selection){.vlan = 100, .protocol = 0x0800};
    assert_contains(problem(TARGET, MONITOR), "sends is not mirrored");
    assert_int_equal(install(TARGET, MONITOR, &err), -DOMM_REFUSED);
    assert_int_equal(domm_mirror_remove(NULL, index_of(TARGET), &err), 0);
    assert_int_equal(install(TARGET, MONITOR, &err), 0);
    assert_string_equal(problem(TARGET, MONITOR), "");
    assert_int_equal(sent->selection.vlan, 100);
    assert_true(domm_selection_is_all(&devices[MONITOR].hooks[DOMM_HOOK_INGRESS].ours.selection));
    sent->unknown_keys = true;
    assert_contains(problem(TARGET, MONITOR), "sends is not mirrored");
    assert_int_equal(install(TARGET, MONITOR, &err), 0);
    assert_string_equal(problem(TARGET, MONITOR), "");
    assert_int_equal(install(TARGET, SECOND, &err), -DOMM_REFUSED);
}

/* They may end the classification before the mirror's turn. */
static void filters_of_others_that_come_first_are_told(void **state)
{
    (void)state;
    struct domm_error err;
    assert_int_equal(install(TARGET, MONITOR, &err), 0);
    devices[TARGET].hooks[DOMM_HOOK_INGRESS].others = 1; /* after ours */
    devices[MONITOR].hooks[DOMM_HOOK_INGRESS].others = 1;
    assert_string_equal(problem(TARGET, MONITOR), "");
    devices[MONITOR].hooks[DOMM_HOOK_EGRESS].others = 1;
    assert_contains(problem(TARGET, MONITOR), "vif3.1: a filter of another program may keep");
    devices[TARGET].hooks[DOMM_HOOK_EGRESS].ahead = 1;
    assert_contains(problem(TARGET, MONITOR), "what the target receives");
    devices[TARGET].hooks[DOMM_HOOK_INGRESS].ahead = 1;
    assert_contains(problem(TARGET, MONITOR), "what the target sends");
    devices[MONITOR].hooks[DOMM_HOOK_INGRESS].ahead = 1;
    assert_contains(problem(TARGET, MONITOR), "before the guard");
}

static void two_targets_share_a_monitor(void **state)
{
    (void)state;
    struct domm_error err;
    assert_int_equal(install(TARGET, MONITOR, &err), 0);
    assert_int_equal(install(OTHER, MONITOR, &err), 0);
    assert_int_equal(domm_mirror_remove(NULL, index_of(TARGET), &err), 0);
    assert_string_equal(problem(OTHER, MONITOR), "");
}

static void other_peoples_filters_and_qdiscs_stay(void **state)
{
    (void)state;
    struct domm_error err;
    struct device before;
    devices[TARGET].qdisc = DOMM_TC_CLSACT; /* empty, but not ours */
    devices[MONITOR].qdisc = DOMM_TC_CLSACT;
    devices[MONITOR].hooks[DOMM_HOOK_EGRESS].others = 2;
    before = devices[MONITOR];
    assert_int_equal(install(TARGET, MONITOR, &err), 0);
    assert_int_equal(domm_mirror_remove(NULL, index_of(TARGET), &err), 0);
    assert_int_equal(domm_mirror_unguard(NULL, index_of(MONITOR), &err), 0);
    assert_int_equal(devices[TARGET].qdisc, DOMM_TC_CLSACT);
    assert_memory_equal(&before, &devices[MONITOR], sizeof(before));
}

static void a_filter_that_came_later_keeps_our_qdisc(void **state)
{
    (void)state;
    struct domm_error err;
    assert_int_equal(install(TARGET, MONITOR, &err), 0);
    devices[TARGET].hooks[DOMM_HOOK_INGRESS].others = 1;
    assert_int_equal(domm_mirror_remove(NULL, index_of(TARGET), &err), 0);
    assert_int_equal(devices[TARGET].qdisc, DOMM_TC_CLSACT);
    assert_int_equal(devices[TARGET].hooks[DOMM_HOOK_INGRESS].others, 1);
}

static void removing_a_mirror_never_takes_a_guard(void **state)
{
    (void)state;
    struct domm_error err;
    assert_int_equal(install(TARGET, MONITOR, &err), 0);
    assert_int_equal(domm_mirror_remove(NULL, index_of(MONITOR), &err), 0);
    assert_string_equal(problem(TARGET, MONITOR), "");
}

static void expect_refusal(int target, int monitor, int code, const char *reason)
{
    struct device before[DEVICES];
    struct domm_error err;
    memcpy(before, devices, sizeof(devices));
    assert_int_equal(install(target, monitor, &err), -code);
    assert_contains(err.text, reason);
    assert_memory_equal(before, devices, sizeof(devices));
}

static void impossible_requests_are_refused_before_any_change(void **state)
{
    struct domm_error err;
    expect_refusal(TARGET, TARGET, DOMM_REFUSED, "itself");
    assert_int_equal(install(TARGET, MONITOR, &err), 0);
    expect_refusal(TARGET, SECOND, DOMM_REFUSED, "mirrored to device number 12 already");
    expect_refusal(MONITOR, SECOND, DOMM_REFUSED, "monitor vif of another mirror");
    expect_refusal(OTHER, TARGET, DOMM_REFUSED, "mirrored to device number 12 already");
    start(state);
    devices[MONITOR].link.master = 3;
    expect_refusal(TARGET, MONITOR, DOMM_REFUSED, "on a bridge");
    start(state);
    devices[TARGET].qdisc = DOMM_TC_INGRESS;
    expect_refusal(TARGET, MONITOR, DOMM_REFUSED, "ingress qdisc");
    start(state);
    devices[TARGET].qdisc = DOMM_TC_CLSACT;
    devices[TARGET].hooks[DOMM_HOOK_EGRESS] =
        (struct domm_tc_hook){.others = 1, .in_the_way = true};
    expect_refusal(TARGET, MONITOR, DOMM_REFUSED, "priority 33");
    start(state);
    devices[MONITOR].link.ifindex = 0;
    expect_refusal(TARGET, MONITOR, DOMM_NOT_FOUND, "no such device");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(what_the_queue_has_dropped_counts, start),
        cmocka_unit_test_setup(it_comes_and_leaves_nothing, start),
        cmocka_unit_test_setup(a_failure_at_any_step_leaves_all_as_before, start),
        cmocka_unit_test_setup(a_failing_undo_is_told, start),
        cmocka_unit_test_setup(a_mirror_copies_what_is_selected, start),
        cmocka_unit_test_setup(manual_damage_is_seen_and_repaired, start),
        cmocka_unit_test_setup(filters_of_others_that_come_first_are_told, start),
        cmocka_unit_test_setup(two_targets_share_a_monitor, start),
        cmocka_unit_test_setup(other_peoples_filters_and_qdiscs_stay, start),
        cmocka_unit_test_setup(a_filter_that_came_later_keeps_our_qdisc, start),
        cmocka_unit_test_setup(removing_a_mirror_never_takes_a_guard, start),
        cmocka_unit_test_setup(impossible_requests_are_refused_before_any_change, start),
    };
    return cmocka_run_group_tests_name("mirror", tests, NULL, NULL);
}
