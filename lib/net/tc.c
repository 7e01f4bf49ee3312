/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/net/tc.h"

#include <linux/gen_stats.h>
#include <linux/rtnetlink.h>
#include <netlink/errno.h>
#include <netlink/route/qdisc.h>
#include <string.h>

#include "lib/net/netlink.h"

#define DUMP_TRIES 10 /* a dump that a change interrupts is repeated */

static int dump(struct nl_sock *sock, int type, const struct tcmsg *header, domm_netlink_each *each,
                void *context)
{
    struct tcmsg copy = *header;
    return domm_netlink_dump(sock, type, &copy, sizeof(copy), each, context);
}

struct qdisc_search {
    int ifindex;
    struct domm_tc_qdiscs found;
};

static uint64_t drops_of(const struct nlattr *statistics)
{
    struct gnet_stats_queue queue = {0};
    struct nlattr *parts[TCA_STATS_MAX + 1];
    if (!statistics ||
        nla_parse_nested(parts, TCA_STATS_MAX, (struct nlattr *)(uintptr_t)statistics, NULL) ||
        !parts[TCA_STATS_QUEUE])
        return 0;
    nla_memcpy(&queue, parts[TCA_STATS_QUEUE], sizeof(queue));
    return queue.drops;
}

static void look_at_qdisc(const struct nlmsghdr *message, void *context)
{
    struct qdisc_search *search = context;
    struct nlattr *attributes[TCA_MAX + 1];
    if (message->nlmsg_type != RTM_NEWQDISC || !nlmsg_valid_hdr(message, sizeof(struct tcmsg)))
        return;
    const struct tcmsg *tc = nlmsg_data(message);
    if (tc->tcm_ifindex != search->ifindex ||
        nlmsg_parse((struct nlmsghdr *)(uintptr_t)message, sizeof(*tc), attributes, TCA_MAX, NULL))
        return;
    const struct nlattr *kind = attributes[TCA_KIND];
    if (tc->tcm_parent == TC_H_CLSACT)
        search->found.ingress =
            kind && nla_strcmp(kind, "clsact") == 0 ? DOMM_TC_CLSACT : DOMM_TC_INGRESS;
    else if (tc->tcm_parent == TC_H_ROOT)
        search->found.dropped = drops_of(attributes[TCA_STATS2]);
}

int domm_tc_read_qdiscs(struct nl_sock *sock, int ifindex, struct domm_tc_qdiscs *qdiscs_r,
                        struct domm_error *err)
{
    struct tcmsg header = {.tcm_ifindex = ifindex};
    struct qdisc_search search;
    int nl_error, tries = 0;
    do {
        search = (struct qdisc_search){.ifindex = ifindex};
        nl_error = dump(sock, RTM_GETQDISC, &header, look_at_qdisc, &search);
    } while (nl_error == -NLE_DUMP_INTR && ++tries < DUMP_TRIES);
    if (nl_error)
        return domm_netlink_fail(err, nl_error, "reading the qdiscs of device number %d", ifindex);
    *qdiscs_r = search.found;
    return 0;
}

static struct rtnl_qdisc *make_clsact(int ifindex)
{
    struct rtnl_qdisc *qdisc = rtnl_qdisc_alloc();
    if (!qdisc)
        return NULL;
    rtnl_tc_set_ifindex(TC_CAST(qdisc), ifindex);
    rtnl_tc_set_parent(TC_CAST(qdisc), TC_H_CLSACT);
    rtnl_tc_set_handle(TC_CAST(qdisc), TC_H_MAKE(TC_H_CLSACT, 0));
    if (rtnl_tc_set_kind(TC_CAST(qdisc), "clsact") == 0)
        return qdisc;
    rtnl_qdisc_put(qdisc);
    return NULL;
}

int domm_tc_add_clsact(struct nl_sock *sock, int ifindex, bool *created_r, struct domm_error *err)
{
    struct rtnl_qdisc *qdisc = make_clsact(ifindex);
    if (!qdisc)
        return domm_no_memory(err);
    int nl_error = rtnl_qdisc_add(sock, qdisc, NLM_F_CREATE | NLM_F_EXCL);
    rtnl_qdisc_put(qdisc);
    *created_r = nl_error == 0;
    if (nl_error && nl_error != -NLE_EXIST)
        return domm_netlink_fail(err, nl_error, "adding a clsact qdisc to device number %d",
                                 ifindex);
    return 0;
}

int domm_tc_delete_clsact(struct nl_sock *sock, int ifindex, struct domm_error *err)
{
    struct rtnl_qdisc *qdisc = make_clsact(ifindex);
    if (!qdisc)
        return domm_no_memory(err);
    int nl_error = rtnl_qdisc_delete(sock, qdisc);
    rtnl_qdisc_put(qdisc);
    if (nl_error && nl_error != -NLE_OBJ_NOTFOUND)
        return domm_netlink_fail(err, nl_error, "deleting the clsact qdisc of device number %d",
                                 ifindex);
    return 0;
}

static void look_at_filter(const struct nlmsghdr *message, void *context)
{
    struct domm_tc_hook *hook = context;
    struct domm_tc_filter filter;
    if (!domm_tc_filter_parse(message, &filter))
        return;
    if (filter.ours)
        hook->ours = filter;
    else
        hook->others++;
    hook->ahead += filter.ahead;
    hook->in_the_way |= filter.in_the_way;
}

int domm_tc_read_hook(struct nl_sock *sock, int ifindex, enum domm_hook hook,
                      struct domm_tc_hook *hook_r, struct domm_error *err)
{
    struct tcmsg header = {.tcm_ifindex = ifindex, .tcm_parent = domm_tc_filter_parent(hook)};
    int nl_error, tries = 0;
    do {
        *hook_r = (struct domm_tc_hook){0};
        nl_error = dump(sock, RTM_GETTFILTER, &header, look_at_filter, hook_r);
    } while (nl_error == -NLE_DUMP_INTR && ++tries < DUMP_TRIES);
    if (nl_error)
        return domm_netlink_fail(err, nl_error, "reading the filters of device number %d", ifindex);
    return 0;
}

int domm_tc_add_filter(struct nl_sock *sock, const struct domm_tc_filter *filter,
                       struct domm_error *err)
{
    struct nl_msg *message;
    int nl_error = domm_tc_filter_add_message(filter, &message);
    nl_error = nl_error ? nl_error : nl_send_sync(sock, message);
    if (nl_error)
        return domm_netlink_fail(err, nl_error, "adding a filter to device number %d",
                                 filter->ifindex);
    return 0;
}

int domm_tc_delete_filter(struct nl_sock *sock, const struct domm_tc_filter *filter,
                          struct domm_error *err)
{
    struct nl_msg *message;
    int nl_error = domm_tc_filter_delete_message(filter, &message);
    nl_error = nl_error ? nl_error : nl_send_sync(sock, message);
    if (nl_error && nl_error != -NLE_OBJ_NOTFOUND)
        return domm_netlink_fail(err, nl_error, "deleting a filter of device number %d",
                                 filter->ifindex);
    return 0;
}
