/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * domm's tc filters, and the messages that make, end and describe them. No socket in here.
 *
 * A filter is domm's if it is a matchall filter for all protocols in chain 0 of a clsact qdisc,
 * with the priority and one of the two handles below; whatever else hangs there is somebody
 * else's and never touched. The priority is low, so that the mirror comes before filters that
 * drop. The second handle remembers, in the kernel, that the qdisc was made for this filter and
 * may go with it.
 *
 * A mirror ends with TC_ACT_UNSPEC ("continue"), since any other verdict would keep the packet
 * from the filters after it (__tcf_classify, net/sched/cls_api.c).
 */
#ifndef DOMM_WATCH_FILTER_H
#define DOMM_WATCH_FILTER_H

#include <netlink/msg.h>
#include <stdbool.h>
#include <stdint.h>

#define DOMM_FILTER_PRIORITY 33
#define DOMM_FILTER_HANDLE 0xd0330001U
#define DOMM_FILTER_HANDLE_OWNS_QDISC 0xd0330002U

/* As seen from the vif: what comes in is what the guest sends. */
enum domm_hook { DOMM_HOOK_INGRESS, DOMM_HOOK_EGRESS, DOMM_HOOKS };

enum domm_filter_action {
    DOMM_FILTER_OTHER, /* none, several, or one that domm does not use */
    DOMM_FILTER_MIRROR,
    DOMM_FILTER_DROP,
};

struct domm_filter {
    int ifindex;
    enum domm_hook hook;
    bool ours;
    bool owns_qdisc; /* ours, and the qdisc was made for it */
    bool in_the_way; /* not ours, but with our priority: ours cannot be added */
    enum domm_filter_action action;
    int mirror_to; /* ifindex; 0 once that device has gone */
    /* Since the filter was added: what passed it, and copies that did not reach the other
     * device's queue or, of a dropping filter, packets dropped. Packets are counted as the devices
     * of dom0 hand them over: one that is divided for the wire (GSO) is one. */
    uint64_t packets, bytes, drops;
};

/* tcm_parent of a filter at that hook. */
uint32_t domm_filter_parent(enum domm_hook hook);

/* Reads one message of a filter dump (RTM_NEWTFILTER). False if it does not describe a filter,
 * or makes no sense. */
bool domm_filter_parse(const struct nlmsghdr *message, struct domm_filter *filter_r);

/* The requests for one of our filters; only the members down to mirror_to count. *message_r is
 * freed by nlmsg_free, or nl_send_sync. 0 or -NLE_.... */
int domm_filter_add_message(const struct domm_filter *filter, struct nl_msg **message_r);
int domm_filter_delete_message(const struct domm_filter *filter, struct nl_msg **message_r);

#endif
