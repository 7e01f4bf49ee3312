/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Requests are made by libnl-route. Dumps are parsed by hand: libnl 3.7's cache of classifiers
 * fails as a whole if it cannot parse one filter, even of another program, and supports neither
 * 64-bit packet counters nor counters of failed copies.
 */
#include "lib/net/tc_filter.h"

#include <arpa/inet.h>
#include <linux/gen_stats.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_gact.h>
#include <linux/tc_act/tc_mirred.h>
#include <netlink/errno.h>
#include <netlink/route/act/gact.h>
#include <netlink/route/act/mirred.h>
#include <netlink/route/cls/flower.h>
#include <netlink/route/cls/matchall.h>
#include <string.h>

#include "lib/base/cleanup.h"

#define MATCHALL "matchall"
#define FLOWER "flower"

#define OUR_INFO TC_H_MAKE(DOMM_TC_FILTER_PRIORITY << 16, htons(ETH_P_ALL))

uint32_t domm_tc_filter_parent(enum domm_hook hook)
{
    return TC_H_MAKE(TC_H_CLSACT, hook == DOMM_HOOK_INGRESS ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS);
}

static void read_stats(struct nlattr *nest, struct domm_tc_filter *filter)
{
    static const struct nla_policy policy[TCA_STATS_MAX + 1] = {
        [TCA_STATS_BASIC] = {.minlen = sizeof(struct gnet_stats_basic)},
        [TCA_STATS_QUEUE] = {.minlen = sizeof(struct gnet_stats_queue)},
        [TCA_STATS_PKT64] = {.type = NLA_U64},
    };
    struct nlattr *stats[TCA_STATS_MAX + 1];
    if (nla_parse_nested(stats, TCA_STATS_MAX, nest, policy))
        return;
    if (stats[TCA_STATS_BASIC]) {
        struct gnet_stats_basic basic;
        nla_memcpy(&basic, stats[TCA_STATS_BASIC], sizeof(basic));
        filter->bytes = basic.bytes;
        filter->packets = basic.packets;
    }
    if (stats[TCA_STATS_PKT64]) /* only present if 32 bits do not suffice */
        filter->packets = nla_get_u64(stats[TCA_STATS_PKT64]);
    if (stats[TCA_STATS_QUEUE]) {
        struct gnet_stats_queue queue;
        nla_memcpy(&queue, stats[TCA_STATS_QUEUE], sizeof(queue));
        /* act_mirred counts a copy that could not be queued as an overlimit. */
        filter->drops = (uint64_t)queue.drops + queue.overlimits;
    }
}

static void read_options(const char *kind, struct nlattr *nest, struct domm_tc_filter *filter)
{
    struct nlattr *parms;
    if (strcmp(kind, "mirred") == 0) {
        struct tc_mirred mirred;
        parms = nla_find(nla_data(nest), nla_len(nest), TCA_MIRRED_PARMS);
        if (!parms || nla_len(parms) < (int)sizeof(mirred))
            return;
        nla_memcpy(&mirred, parms, sizeof(mirred));
        if (mirred.eaction != TCA_EGRESS_MIRROR)
            return;
        filter->action = DOMM_TC_FILTER_MIRROR;
        filter->mirror_to = (int)mirred.ifindex;
    } else if (strcmp(kind, "gact") == 0) {
        struct tc_gact gact;
        parms = nla_find(nla_data(nest), nla_len(nest), TCA_GACT_PARMS);
        if (!parms || nla_len(parms) < (int)sizeof(gact))
            return;
        nla_memcpy(&gact, parms, sizeof(gact));
        if (gact.action == TC_ACT_SHOT)
            filter->action = DOMM_TC_FILTER_DROP;
    }
}

static void read_action(struct nlattr *nest, struct domm_tc_filter *filter)
{
    struct nlattr *action[TCA_ACT_MAX + 1];
    static const struct nla_policy policy[TCA_ACT_MAX + 1] = {
        [TCA_ACT_KIND] = {.type = NLA_STRING},
        [TCA_ACT_OPTIONS] = {.type = NLA_NESTED},
        [TCA_ACT_STATS] = {.type = NLA_NESTED},
    };
    if (nla_parse_nested(action, TCA_ACT_MAX, nest, policy) || !action[TCA_ACT_KIND] ||
        !action[TCA_ACT_OPTIONS])
        return;
    read_options(nla_get_string(action[TCA_ACT_KIND]), action[TCA_ACT_OPTIONS], filter);
    if (action[TCA_ACT_STATS])
        read_stats(action[TCA_ACT_STATS], filter);
}

/* Counts packets that the filter matched. Its action counts a packet that is segmented later, or
 * was merged, as several packets; the receiver of the copy and the vif count it as one. */
static void read_hits(struct nlattr *nest, struct domm_tc_filter *filter)
{
    struct tc_matchall_pcnt count;
    const struct nlattr *hits = nla_find(nla_data(nest), nla_len(nest), TCA_MATCHALL_PCNT);
    if (!hits || nla_len(hits) < (int)sizeof(count)) /* before Linux 5.0 */
        return;
    nla_memcpy(&count, hits, sizeof(count));
    filter->packets = count.rhit;
}

/* A filter with a second action is not domm's, whatever the first one does. */
static void read_actions(struct nlattr *actions, struct domm_tc_filter *filter)
{
    struct nlattr *action, *only = NULL;
    int rest, count = 0;
    if (!actions)
        return;
    nla_for_each_nested(action, actions, rest)
    {
        only = action;
        count++;
    }
    if (count == 1)
        read_action(only, filter);
}

static void read_matchall(struct nlattr *nest, struct domm_tc_filter *filter)
{
    read_actions(nla_find(nla_data(nest), nla_len(nest), TCA_MATCHALL_ACT), filter);
    read_hits(nest, filter);
}

static unsigned ether_type(const struct nlattr *attribute)
{
    return attribute ? ntohs(nla_get_u16(attribute)) : 0;
}

/* A key that domm does not set, such as an address, makes the filter match less. */
static bool is_our_key(const struct nlattr *attribute)
{
    switch (nla_type(attribute)) {
    case TCA_FLOWER_ACT:
    case TCA_FLOWER_KEY_ETH_TYPE:
    case TCA_FLOWER_KEY_VLAN_ID:
    case TCA_FLOWER_KEY_VLAN_ETH_TYPE:
    case TCA_FLOWER_FLAGS:
    case TCA_FLOWER_IN_HW_COUNT:
        return true;
    default:
        return false;
    }
}

static void read_flower(struct nlattr *nest, struct domm_tc_filter *filter)
{
    static const struct nla_policy policy[TCA_FLOWER_MAX + 1] = {
        [TCA_FLOWER_ACT] = {.type = NLA_NESTED},
        [TCA_FLOWER_KEY_ETH_TYPE] = {.type = NLA_U16},
        [TCA_FLOWER_KEY_VLAN_ID] = {.type = NLA_U16},
        [TCA_FLOWER_KEY_VLAN_ETH_TYPE] = {.type = NLA_U16},
    };
    struct nlattr *keys[TCA_FLOWER_MAX + 1], *key;
    int rest;
    if (nla_parse_nested(keys, TCA_FLOWER_MAX, nest, policy))
        return;
    nla_for_each_nested(key, nest, rest)
    {
        filter->unknown_keys |= !is_our_key(key);
    }
    if (keys[TCA_FLOWER_KEY_VLAN_ID])
        filter->selection.vlan = nla_get_u16(keys[TCA_FLOWER_KEY_VLAN_ID]);
    filter->selection.protocol = ether_type(
        keys[filter->selection.vlan ? TCA_FLOWER_KEY_VLAN_ETH_TYPE : TCA_FLOWER_KEY_ETH_TYPE]);
    read_actions(keys[TCA_FLOWER_ACT], filter);
}

static bool parse_attributes(const struct nlmsghdr *message, struct nlattr **attributes)
{
    static const struct nla_policy policy[TCA_MAX + 1] = {
        [TCA_KIND] = {.type = NLA_STRING},
        [TCA_OPTIONS] = {.type = NLA_NESTED},
        [TCA_CHAIN] = {.type = NLA_U32},
    };
    /* libnl only reads, but its prototypes lack const. */
    struct nlmsghdr *readable = (struct nlmsghdr *)(uintptr_t)message;
    return message->nlmsg_type == RTM_NEWTFILTER &&
           nlmsg_valid_hdr(message, sizeof(struct tcmsg)) &&
           nlmsg_parse(readable, sizeof(struct tcmsg), attributes, TCA_MAX, policy) == 0 &&
           attributes[TCA_KIND];
}

bool domm_tc_filter_parse(const struct nlmsghdr *message, struct domm_tc_filter *filter_r)
{
    struct nlattr *attributes[TCA_MAX + 1];
    if (!parse_attributes(message, attributes))
        return false;
    const struct tcmsg *tc = nlmsg_data(message);
    uint32_t chain = attributes[TCA_CHAIN] ? nla_get_u32(attributes[TCA_CHAIN]) : 0;
    bool flower = strcmp(nla_get_string(attributes[TCA_KIND]), FLOWER) == 0;
    bool our_slot = tc->tcm_info == OUR_INFO && chain == 0 &&
                    (flower || strcmp(nla_get_string(attributes[TCA_KIND]), MATCHALL) == 0);
    if (our_slot && tc->tcm_handle == 0)
        return false; /* the classifier's own message, which precedes its filters */
    *filter_r = (struct domm_tc_filter){
        .ifindex = tc->tcm_ifindex,
        .hook = tc->tcm_parent == domm_tc_filter_parent(DOMM_HOOK_INGRESS) ? DOMM_HOOK_INGRESS
                                                                           : DOMM_HOOK_EGRESS,
        .owns_qdisc = our_slot && tc->tcm_handle == DOMM_TC_FILTER_HANDLE_OWNS_QDISC,
        .ours = our_slot && (tc->tcm_handle == DOMM_TC_FILTER_HANDLE ||
                             tc->tcm_handle == DOMM_TC_FILTER_HANDLE_OWNS_QDISC),
    };
    /* Filters of chain 0 are asked by rising priority; the first whose verdict is not "continue"
     * ends that (__tcf_classify, net/sched/cls_api.c). Other chains are reached from there. */
    uint32_t priority = TC_H_MAJ(tc->tcm_info) >> 16;
    filter_r->in_the_way = !filter_r->ours && chain == 0 && priority == DOMM_TC_FILTER_PRIORITY;
    filter_r->ahead = !filter_r->ours && chain == 0 && priority <= DOMM_TC_FILTER_PRIORITY;
    filter_r->flower = flower;
    if (filter_r->ours && attributes[TCA_OPTIONS])
        (flower ? read_flower : read_matchall)(attributes[TCA_OPTIONS], filter_r);
    return true;
}

static void put_action(struct rtnl_act **act)
{
    rtnl_act_put(*act);
}

static void put_classifier(struct rtnl_cls **cls)
{
    rtnl_cls_put(*cls);
}

#define cleanup_action DOMM_CLEANUP(put_action)
#define cleanup_classifier DOMM_CLEANUP(put_classifier)

static int make_mirror(struct rtnl_act *act, int ifindex)
{
    int rc = rtnl_tc_set_kind(TC_CAST(act), "mirred");
    if (rc)
        return rc;
    rc = rtnl_mirred_set_action(act, TCA_EGRESS_MIRROR);
    if (rc)
        return rc;
    rc = rtnl_mirred_set_policy(act, TC_ACT_UNSPEC);
    if (rc)
        return rc;
    return rtnl_mirred_set_ifindex(act, (uint32_t)ifindex);
}

static int make_drop(struct rtnl_act *act)
{
    int rc = rtnl_tc_set_kind(TC_CAST(act), "gact");
    if (rc)
        return rc;
    return rtnl_gact_set_action(act, TC_ACT_SHOT);
}

/* The filter takes a reference of its own on the action. */
static int set_action(struct rtnl_cls *cls, const struct domm_tc_filter *filter)
{
    cleanup_action struct rtnl_act *act = rtnl_act_alloc();
    if (!act)
        return -NLE_NOMEM;
    int rc = filter->action == DOMM_TC_FILTER_MIRROR ? make_mirror(act, filter->mirror_to)
                                                     : make_drop(act);
    if (rc)
        return rc;
    return domm_selection_is_all(&filter->selection) ? rtnl_mall_append_action(cls, act)
                                                     : rtnl_flower_append_action(cls, act);
}

/* What a VLAN's packets carry is another key than what is not tagged is. */
static int select_packets(struct rtnl_cls *cls, const struct domm_selection *selection)
{
    if (!selection->vlan)
        return rtnl_flower_set_proto(cls, (uint16_t)selection->protocol);
    int rc = rtnl_flower_set_proto(cls, ETH_P_8021Q);
    if (rc)
        return rc;
    rc = rtnl_flower_set_vlan_id(cls, (uint16_t)selection->vlan);
    if (rc || !selection->protocol)
        return rc;
    return rtnl_flower_set_vlan_ethtype(cls, (uint16_t)selection->protocol);
}

static int tc_filter_make(const struct domm_tc_filter *filter, struct rtnl_cls **cls_r)
{
    struct rtnl_cls *cls = rtnl_cls_alloc();
    *cls_r = cls;
    if (!cls)
        return -NLE_NOMEM;
    rtnl_tc_set_ifindex(TC_CAST(cls), filter->ifindex);
    rtnl_tc_set_parent(TC_CAST(cls), domm_tc_filter_parent(filter->hook));
    rtnl_tc_set_handle(TC_CAST(cls), filter->owns_qdisc ? DOMM_TC_FILTER_HANDLE_OWNS_QDISC
                                                        : DOMM_TC_FILTER_HANDLE);
    rtnl_cls_set_prio(cls, DOMM_TC_FILTER_PRIORITY);
    rtnl_cls_set_protocol(cls, ETH_P_ALL);
    bool all = domm_selection_is_all(&filter->selection);
    int rc = rtnl_tc_set_kind(TC_CAST(cls), all && !filter->flower ? MATCHALL : FLOWER);
    if (rc || all)
        return rc;
    return select_packets(cls, &filter->selection);
}

int domm_tc_filter_add_message(const struct domm_tc_filter *filter, struct nl_msg **message_r)
{
    cleanup_classifier struct rtnl_cls *cls = NULL;
    int rc = tc_filter_make(filter, &cls);
    if (rc)
        return rc;
    rc = set_action(cls, filter);
    if (rc)
        return rc;
    return rtnl_cls_build_add_request(cls, NLM_F_CREATE | NLM_F_EXCL, message_r);
}

int domm_tc_filter_delete_message(const struct domm_tc_filter *filter, struct nl_msg **message_r)
{
    cleanup_classifier struct rtnl_cls *cls = NULL;
    int rc = tc_filter_make(filter, &cls);
    if (rc)
        return rc;
    return rtnl_cls_build_delete_request(cls, 0, message_r);
}
