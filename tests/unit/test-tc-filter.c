/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <linux/gen_stats.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_gact.h>
#include <linux/tc_act/tc_mirred.h>

#include "lib/net/tc_filter.h"

#define PROTOCOL_ALL 0x0300 /* ETH_P_ALL and ETH_P_IP in network order, on x86 */
#define PROTOCOL_IP 0x0008
#define OUR_INFO TC_H_MAKE(DOMM_TC_FILTER_PRIORITY << 16, PROTOCOL_ALL)

/* What the kernel could say of a filter; our mirror, but for what a case changes. */
struct telling {
    uint32_t info, handle, parent, chain;
    const char *kind, *action;
    int actions, verdict, eaction;
    uint64_t packets64, hits;
};

static const struct telling mirror = {
    .info = OUR_INFO,
    .handle = DOMM_TC_FILTER_HANDLE,
    .parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS),
    .kind = "matchall",
    .action = "mirred",
    .actions = 1,
    .verdict = TC_ACT_UNSPEC,
    .eaction = TCA_EGRESS_MIRROR,
};

static void put_stats(struct nl_msg *msg, const struct telling *told)
{
    struct gnet_stats_basic basic = {.bytes = 1500, .packets = 3};
    struct gnet_stats_queue queue = {.drops = 2, .overlimits = 5};
    struct nlattr *nest = nla_nest_start(msg, TCA_ACT_STATS);
    nla_put(msg, TCA_STATS_BASIC, sizeof(basic), &basic);
    nla_put(msg, TCA_STATS_QUEUE, sizeof(queue), &queue);
    if (told->packets64)
        nla_put_u64(msg, TCA_STATS_PKT64, told->packets64);
    nla_nest_end(msg, nest);
}

static void put_action(struct nl_msg *msg, const struct telling *told, int order)
{
    struct tc_mirred mirred = {.action = told->verdict, .eaction = told->eaction, .ifindex = 7};
    struct tc_gact gact = {.action = told->verdict};
    struct nlattr *action = nla_nest_start(msg, order);
    nla_put_string(msg, TCA_ACT_KIND, told->action);
    put_stats(msg, told);
    struct nlattr *options = nla_nest_start(msg, TCA_ACT_OPTIONS);
    if (strcmp(told->action, "mirred") == 0)
        nla_put(msg, TCA_MIRRED_PARMS, sizeof(mirred), &mirred);
    else
        nla_put(msg, TCA_GACT_PARMS, sizeof(gact), &gact);
    nla_nest_end(msg, options);
    nla_nest_end(msg, action);
}

static struct nl_msg *tell(const struct telling *told)
{
    struct tcmsg tc = {.tcm_ifindex = 5,
                       .tcm_info = told->info,
                       .tcm_handle = told->handle,
                       .tcm_parent = told->parent};
    struct nl_msg *msg = nlmsg_alloc_simple(RTM_NEWTFILTER, 0);
    assert_non_null(msg);
    nlmsg_append(msg, &tc, sizeof(tc), NLMSG_ALIGNTO);
    nla_put_string(msg, TCA_KIND, told->kind);
    nla_put_u32(msg, TCA_CHAIN, told->chain);
    struct nlattr *options = nla_nest_start(msg, TCA_OPTIONS);
    struct nlattr *actions = nla_nest_start(msg, TCA_MATCHALL_ACT);
    for (int i = 1; i <= told->actions; i++)
        put_action(msg, told, i);
    nla_nest_end(msg, actions);
    struct tc_matchall_pcnt count = {.rhit = told->hits};
    if (told->hits)
        nla_put(msg, TCA_MATCHALL_PCNT, sizeof(count), &count);
    nla_nest_end(msg, options);
    return msg;
}

static bool parse(const struct telling *told, struct domm_tc_filter *filter)
{
    struct nl_msg *msg = tell(told);
    bool known = domm_tc_filter_parse(nlmsg_hdr(msg), filter);
    nlmsg_free(msg);
    return known;
}

static void a_requested_filter_is_recognised(void **state)
{
    (void)state;
    static const struct domm_tc_filter asked[] = {
        {.ifindex = 5, .action = DOMM_TC_FILTER_MIRROR, .mirror_to = 9},
        {.ifindex = 6,
         .hook = DOMM_HOOK_EGRESS,
         .owns_qdisc = true,
         .action = DOMM_TC_FILTER_MIRROR,
         .mirror_to = 9},
        {.ifindex = 9, .owns_qdisc = true, .action = DOMM_TC_FILTER_DROP},
        {.ifindex = 5,
         .action = DOMM_TC_FILTER_MIRROR,
         .mirror_to = 9,
         .selection = {.vlan = DOMM_VLAN_MAX}},
        {.ifindex = 5,
         .action = DOMM_TC_FILTER_MIRROR,
         .mirror_to = 9,
         .selection = {.protocol = ETH_P_ARP}},
        {.ifindex = 5,
         .action = DOMM_TC_FILTER_MIRROR,
         .mirror_to = 9,
         .selection = {.vlan = 1, .protocol = ETH_P_IPV6}},
    };
    for (size_t i = 0; i < COUNT(asked); i++) {
        struct nl_msg *msg;
        struct domm_tc_filter seen;
        assert_int_equal(domm_tc_filter_add_message(&asked[i], &msg), 0);
        assert_true(domm_tc_filter_parse(nlmsg_hdr(msg), &seen));
        assert_true(seen.ours);
        assert_false(seen.in_the_way);
        assert_int_equal(seen.ifindex, asked[i].ifindex);
        assert_int_equal(seen.hook, asked[i].hook);
        assert_int_equal(seen.owns_qdisc, asked[i].owns_qdisc);
        assert_int_equal(seen.action, asked[i].action);
        assert_int_equal(seen.mirror_to, asked[i].mirror_to);
        assert_true(domm_selection_equal(&seen.selection, &asked[i].selection));
        assert_false(seen.unknown_keys);
        nlmsg_free(msg);
    }
}

static void a_key_that_is_not_ours_is_noticed(void **state)
{
    (void)state;
    const struct domm_tc_filter asked = {.ifindex = 5,
                                         .action = DOMM_TC_FILTER_MIRROR,
                                         .mirror_to = 9,
                                         .selection = {.protocol = ETH_P_IP}};
    struct nl_msg *msg;
    struct domm_tc_filter seen;
    assert_int_equal(domm_tc_filter_add_message(&asked, &msg), 0);
    struct nlattr *options = nlmsg_find_attr(nlmsg_hdr(msg), sizeof(struct tcmsg), TCA_OPTIONS);
    nla_put_u16(msg, TCA_FLOWER_KEY_UDP_DST, 53); /* behind the options, which are the last */
    options->nla_len = (uint16_t)(options->nla_len + nla_total_size(sizeof(uint16_t)));
    assert_true(domm_tc_filter_parse(nlmsg_hdr(msg), &seen));
    assert_true(seen.ours);
    assert_true(seen.unknown_keys);
    nlmsg_free(msg);

    /* The kernel deletes it only by its own kind, whatever it selects. */
    seen.selection = (struct domm_selection){0};
    assert_int_equal(domm_tc_filter_delete_message(&seen, &msg), 0);
    struct nlattr *kind = nlmsg_find_attr(nlmsg_hdr(msg), sizeof(struct tcmsg), TCA_KIND);
    assert_string_equal(nla_get_string(kind), "flower");
    nlmsg_free(msg);
}

static void a_mirror_lets_later_filters_see_the_packet(void **state)
{
    (void)state;
    const struct domm_tc_filter filter = {
        .ifindex = 5, .action = DOMM_TC_FILTER_MIRROR, .mirror_to = 9};
    struct nl_msg *msg;
    assert_int_equal(domm_tc_filter_add_message(&filter, &msg), 0);
    const struct tc_mirred wanted = {
        .action = TC_ACT_UNSPEC, .eaction = TCA_EGRESS_MIRROR, .ifindex = 9};
    assert_non_null(memmem(nlmsg_hdr(msg), nlmsg_hdr(msg)->nlmsg_len, &wanted, sizeof(wanted)));
    nlmsg_free(msg);
}

static void a_deletion_names_the_one_filter(void **state)
{
    (void)state;
    const struct domm_tc_filter filter = {
        .ifindex = 5, .hook = DOMM_HOOK_EGRESS, .owns_qdisc = true};
    struct nl_msg *msg;
    assert_int_equal(domm_tc_filter_delete_message(&filter, &msg), 0);
    const struct tcmsg *tc = nlmsg_data(nlmsg_hdr(msg));
    assert_int_equal(nlmsg_hdr(msg)->nlmsg_type, RTM_DELTFILTER);
    assert_int_equal(tc->tcm_ifindex, 5);
    assert_int_equal(tc->tcm_info, OUR_INFO);
    assert_int_equal(tc->tcm_handle, DOMM_TC_FILTER_HANDLE_OWNS_QDISC);
    assert_int_equal(tc->tcm_parent, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS));
    nlmsg_free(msg);
}

static void counters_are_read(void **state)
{
    (void)state;
    struct domm_tc_filter filter;
    struct telling many = mirror;
    many.packets64 = 0x100000003;
    assert_true(parse(&mirror, &filter));
    assert_int_equal(filter.packets, 3);
    assert_int_equal(filter.bytes, 1500);
    assert_int_equal(filter.drops, 7);
    assert_true(parse(&many, &filter));
    assert_int_equal(filter.packets, 0x100000003);
    many.hits = 2; /* of which one was counted as more */
    assert_true(parse(&many, &filter));
    assert_int_equal(filter.packets, 2);
    assert_int_equal(filter.drops, 7);
}

static void other_peoples_filters_are_not_ours(void **state)
{
    (void)state;
    const struct {
        const char *what;
        struct telling told;
        bool in_the_way, ahead;
    } cases[] = {
        {"priority", {.info = TC_H_MAKE(1 << 16, PROTOCOL_ALL)}, false, true},
        {"lower priority", {.info = TC_H_MAKE(34 << 16, PROTOCOL_ALL)}, false, false},
        {"protocol", {.info = TC_H_MAKE(DOMM_TC_FILTER_PRIORITY << 16, PROTOCOL_IP)}, true, true},
        {"handle", {.handle = 1}, true, true},
        {"kind", {.kind = "basic"}, true, true},
        {"kind that begins so", {.kind = "matchall2"}, true, true},
        {"chain", {.chain = 1}, false, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct telling told = mirror;
        struct domm_tc_filter filter;
        if (cases[i].told.info)
            told.info = cases[i].told.info;
        if (cases[i].told.handle)
            told.handle = cases[i].told.handle;
        if (cases[i].told.kind)
            told.kind = cases[i].told.kind;
        told.chain = cases[i].told.chain;
        if (!parse(&told, &filter) || filter.ours || filter.in_the_way != cases[i].in_the_way ||
            filter.ahead != cases[i].ahead)
            fail_msg("wrong about a filter with another %s", cases[i].what);
    }
}

static void a_filter_changed_by_hand_does_not_pass_for_a_mirror(void **state)
{
    (void)state;
    struct domm_tc_filter filter;
    struct telling redirect = mirror, two = mirror, none = mirror, pass = mirror;
    redirect.eaction = TCA_EGRESS_REDIR;
    two.actions = 2;
    none.actions = 0;
    pass.action = "gact";
    pass.verdict = TC_ACT_OK;
    const struct telling *const changed[] = {&redirect, &two, &none, &pass};
    for (size_t i = 0; i < COUNT(changed); i++) {
        assert_true(parse(changed[i], &filter));
        assert_true(filter.ours);
        assert_int_equal(filter.action, DOMM_TC_FILTER_OTHER);
    }
}

static void the_classifier_itself_is_no_filter(void **state)
{
    (void)state;
    struct domm_tc_filter filter;
    struct telling head = mirror;
    head.handle = 0;
    assert_false(parse(&head, &filter));
    head.kind = "fw"; /* works without any filter of its own, so it counts */
    assert_true(parse(&head, &filter));
    assert_false(filter.ours);
}

/* The copy has just its size, so that a sanitizer sees a read past the end. */
static void parse_copy(const void *bytes, size_t size)
{
    struct domm_tc_filter filter;
    void *copy = malloc(size);
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    (void)domm_tc_filter_parse(copy, &filter);
    free(copy);
}

static void torn_and_mangled_messages_are_survived(void **state)
{
    (void)state;
    struct nl_msg *msg = tell(&mirror);
    struct nlmsghdr *header = nlmsg_hdr(msg);
    uint32_t whole = header->nlmsg_len;
    for (uint32_t size = sizeof(*header); size < whole; size++) {
        header->nlmsg_len = size;
        parse_copy(header, size);
    }
    header->nlmsg_len = whole;
    unsigned char *bytes = (unsigned char *)header;
    for (uint32_t i = sizeof(*header); i < whole; i++) {
        for (int bit = 0; bit < 8; bit++) {
            bytes[i] ^= (unsigned char)(1 << bit);
            parse_copy(header, whole);
            bytes[i] ^= (unsigned char)(1 << bit);
        }
    }
    nlmsg_free(msg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_requested_filter_is_recognised),
        cmocka_unit_test(a_key_that_is_not_ours_is_noticed),
        cmocka_unit_test(a_mirror_lets_later_filters_see_the_packet),
        cmocka_unit_test(a_deletion_names_the_one_filter),
        cmocka_unit_test(counters_are_read),
        cmocka_unit_test(other_peoples_filters_are_not_ours),
        cmocka_unit_test(a_filter_changed_by_hand_does_not_pass_for_a_mirror),
        cmocka_unit_test(the_classifier_itself_is_no_filter),
        cmocka_unit_test(torn_and_mangled_messages_are_survived),
    };
    return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}
