/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * domm's tc filters, and the messages that make, end and describe them. No socket in here.
 *
 * A filter is domm's if it is a matchall filter, or a flower filter where packets are selected, for
 * all protocols in chain 0 of a clsact qdisc, with the priority and one of the two handles below;
 * whatever else hangs there is somebody else's and never touched. The priority is low, so that the
 * mirror comes before filters that drop. The second handle remembers, in the kernel, that the qdisc
 * was made for this filter and may go with it.
 *
 * A mirror ends with TC_ACT_UNSPEC ("continue"), since any other verdict would keep the packet
 * from the filters after it (__tcf_classify, net/sched/cls_api.c).
 */
#ifndef DOMM_NET_TC_FILTER_H
#define DOMM_NET_TC_FILTER_H

#include <netlink/msg.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/net/selection.h"

#define DOMM_TC_FILTER_PRIORITY 33
#define DOMM_TC_FILTER_HANDLE 0xd0330001U
#define DOMM_TC_FILTER_HANDLE_OWNS_QDISC 0xd0330002U

/* As seen from the vif: ingress is what the guest sends. */
enum domm_hook { DOMM_HOOK_INGRESS, DOMM_HOOK_EGRESS, DOMM_HOOKS };

enum domm_tc_filter_action {
    DOMM_TC_FILTER_OTHER, /* no action, several, or another one */
    DOMM_TC_FILTER_MIRROR,
    DOMM_TC_FILTER_DROP,
};

struct domm_tc_filter {
    int ifindex;
    enum domm_hook hook;
    bool ours;
    bool owns_qdisc; /* ours, and the qdisc was created for it */
    bool in_the_way; /* not ours, but has our priority, so that ours cannot be added */
    bool ahead;      /* not ours, and sees packets before ours does, or in its place */
    enum domm_tc_filter_action action;
    int mirror_to; /* ifindex; 0 once that device is gone */
    struct domm_selection selection;
    bool flower;       /* its classifier, also if it selects nothing that domm knows */
    bool unknown_keys; /* ours, and matches fewer packets than `selection` says */
    /* Counters since the filter was added: matched packets, and copies that did not reach the other
     * device's queue or, of a dropping filter, packets dropped. A packet that is segmented for the
     * wire later (GSO) counts as one, as for the devices of dom0; but of a flower filter, which
     * does not count matches, as several. */
    uint64_t packets, bytes, drops;
};

/* The tcm_parent of filters at that hook. */
uint32_t domm_tc_filter_parent(enum domm_hook hook);

/* Reads one message of a filter dump (RTM_NEWTFILTER). False if it does not describe a filter, or
 * is malformed. */
bool domm_tc_filter_parse(const struct nlmsghdr *message, struct domm_tc_filter *filter_r);

/* Make the requests for a filter of ours; only the members down to flower are used. *message_r
 * is freed by nlmsg_free or nl_send_sync. 0 or -NLE_.... */
int domm_tc_filter_add_message(const struct domm_tc_filter *filter, struct nl_msg **message_r);
int domm_tc_filter_delete_message(const struct domm_tc_filter *filter, struct nl_msg **message_r);

#endif
