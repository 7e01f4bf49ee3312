/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Requests are made by libnl-route. Dumps are read by hand: libnl 3.7's cache of classifiers
 * fails as a whole when it cannot parse one filter, be it anybody's, and knows neither 64-bit
 * packet counters nor copies that failed.
 */
#include "lib/watch/filter.h"

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
#include <netlink/route/cls/matchall.h>
#include <string.h>

#define OUR_INFO TC_H_MAKE(DOMM_FILTER_PRIORITY << 16, htons(ETH_P_ALL))

uint32_t domm_filter_parent(enum domm_hook hook)
{
    return TC_H_MAKE(TC_H_CLSACT, hook == DOMM_HOOK_INGRESS ? TC_H_MIN_INGRESS : TC_H_MIN_EGRESS);
}

static void read_stats(struct nlattr *nest, struct domm_filter *filter)
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
    if (stats[TCA_STATS_PKT64]) /* only there once the 32 bits do not suffice */
        filter->packets = nla_get_u64(stats[TCA_STATS_PKT64]);
    if (stats[TCA_STATS_QUEUE]) {
        struct gnet_stats_queue queue;
        nla_memcpy(&queue, stats[TCA_STATS_QUEUE], sizeof(queue));
        /* act_mirred counts a copy that could not be queued as an overlimit. */
        filter->drops = (uint64_t)queue.drops + queue.overlimits;
    }
}

static void read_options(const char *kind, struct nlattr *nest, struct domm_filter *filter)
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
        filter->action = DOMM_FILTER_MIRROR;
        filter->mirror_to = (int)mirred.ifindex;
    } else if (strcmp(kind, "gact") == 0) {
        struct tc_gact gact;
        parms = nla_find(nla_data(nest), nla_len(nest), TCA_GACT_PARMS);
        if (!parms || nla_len(parms) < (int)sizeof(gact))
            return;
        nla_memcpy(&gact, parms, sizeof(gact));
        if (gact.action == TC_ACT_SHOT)
            filter->action = DOMM_FILTER_DROP;
    }
}

static void read_action(struct nlattr *nest, struct domm_filter *filter)
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

/* What the filter matched. Its action counts a packet that is to be divided into several later, or
 * was put together from several, as so many; who gets the copy sees it as one, and so does the vif.
 */
static void read_hits(struct nlattr *nest, struct domm_filter *filter)
{
    struct tc_matchall_pcnt count;
    const struct nlattr *hits = nla_find(nla_data(nest), nla_len(nest), TCA_MATCHALL_PCNT);
    if (!hits || nla_len(hits) < (int)sizeof(count)) /* before Linux 5.0 */
        return;
    nla_memcpy(&count, hits, sizeof(count));
    filter->packets = count.rhit;
}

/* A filter with a second action is not one of those domm makes, whatever the first does. */
static void read_matchall(struct nlattr *nest, struct domm_filter *filter)
{
    struct nlattr *actions = nla_find(nla_data(nest), nla_len(nest), TCA_MATCHALL_ACT);
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
    read_hits(nest, filter);
}

static bool parse_attributes(const struct nlmsghdr *message, struct nlattr **attributes)
{
    static const struct nla_policy policy[TCA_MAX + 1] = {
        [TCA_KIND] = {.type = NLA_STRING},
        [TCA_OPTIONS] = {.type = NLA_NESTED},
        [TCA_CHAIN] = {.type = NLA_U32},
    };
    /* libnl reads only, but its prototypes do not say so. */
    struct nlmsghdr *readable = (struct nlmsghdr *)(uintptr_t)message;
    return message->nlmsg_type == RTM_NEWTFILTER &&
           nlmsg_valid_hdr(message, sizeof(struct tcmsg)) &&
           nlmsg_parse(readable, sizeof(struct tcmsg), attributes, TCA_MAX, policy) == 0 &&
           attributes[TCA_KIND];
}

bool domm_filter_parse(const struct nlmsghdr *message, struct domm_filter *filter_r)
{
    struct nlattr *attributes[TCA_MAX + 1];
    if (!parse_attributes(message, attributes))
        return false;
    const struct tcmsg *tc = nlmsg_data(message);
    uint32_t chain = attributes[TCA_CHAIN] ? nla_get_u32(attributes[TCA_CHAIN]) : 0;
    bool our_place = tc->tcm_info == OUR_INFO && chain == 0 &&
                     strcmp(nla_get_string(attributes[TCA_KIND]), "matchall") == 0;
    if (our_place && tc->tcm_handle == 0)
        return false; /* the classifier, which the kernel tells before its filter */
    *filter_r = (struct domm_filter){
        .ifindex = tc->tcm_ifindex,
        .hook = tc->tcm_parent == domm_filter_parent(DOMM_HOOK_INGRESS) ? DOMM_HOOK_INGRESS
                                                                        : DOMM_HOOK_EGRESS,
        .owns_qdisc = our_place && tc->tcm_handle == DOMM_FILTER_HANDLE_OWNS_QDISC,
        .ours = our_place && (tc->tcm_handle == DOMM_FILTER_HANDLE ||
                              tc->tcm_handle == DOMM_FILTER_HANDLE_OWNS_QDISC),
    };
    filter_r->in_the_way =
        !filter_r->ours && chain == 0 && TC_H_MAJ(tc->tcm_info) >> 16 == DOMM_FILTER_PRIORITY;
    if (filter_r->ours && attributes[TCA_OPTIONS])
        read_matchall(attributes[TCA_OPTIONS], filter_r);
    return true;
}

/* Takes over nothing: the filter holds a reference of its own on the action. */
static int set_action(struct rtnl_cls *cls, const struct domm_filter *filter)
{
    struct rtnl_act *act = rtnl_act_alloc();
    int rc = act ? 0 : -NLE_NOMEM;
    if (!rc && filter->action == DOMM_FILTER_MIRROR) {
        rc = rtnl_tc_set_kind(TC_CAST(act), "mirred");
        rc = rc ? rc : rtnl_mirred_set_action(act, TCA_EGRESS_MIRROR);
        rc = rc ? rc : rtnl_mirred_set_policy(act, TC_ACT_UNSPEC);
        rc = rc ? rc : rtnl_mirred_set_ifindex(act, (uint32_t)filter->mirror_to);
    } else if (!rc) {
        rc = rtnl_tc_set_kind(TC_CAST(act), "gact");
        rc = rc ? rc : rtnl_gact_set_action(act, TC_ACT_SHOT);
    }
    rc = rc ? rc : rtnl_mall_append_action(cls, act);
    rtnl_act_put(act);
    return rc;
}

static int make(const struct domm_filter *filter, struct rtnl_cls **cls_r)
{
    struct rtnl_cls *cls = rtnl_cls_alloc();
    *cls_r = cls;
    if (!cls)
        return -NLE_NOMEM;
    rtnl_tc_set_ifindex(TC_CAST(cls), filter->ifindex);
    rtnl_tc_set_parent(TC_CAST(cls), domm_filter_parent(filter->hook));
    rtnl_tc_set_handle(TC_CAST(cls),
                       filter->owns_qdisc ? DOMM_FILTER_HANDLE_OWNS_QDISC : DOMM_FILTER_HANDLE);
    rtnl_cls_set_prio(cls, DOMM_FILTER_PRIORITY);
    rtnl_cls_set_protocol(cls, ETH_P_ALL);
    return rtnl_tc_set_kind(TC_CAST(cls), "matchall");
}

int domm_filter_add_message(const struct domm_filter *filter, struct nl_msg **message_r)
{
    struct rtnl_cls *cls;
    int rc = make(filter, &cls);
    rc = rc ? rc : set_action(cls, filter);
    rc = rc ? rc : rtnl_cls_build_add_request(cls, NLM_F_CREATE | NLM_F_EXCL, message_r);
    rtnl_cls_put(cls);
    return rc;
}

int domm_filter_delete_message(const struct domm_filter *filter, struct nl_msg **message_r)
{
    struct rtnl_cls *cls;
    int rc = make(filter, &cls);
    rc = rc ? rc : rtnl_cls_build_delete_request(cls, 0, message_r);
    rtnl_cls_put(cls);
    return rc;
}
