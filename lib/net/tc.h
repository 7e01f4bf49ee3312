/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's traffic control, as far as a port mirror needs it. */
#ifndef DOMM_NET_TC_H
#define DOMM_NET_TC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/error.h"
#include "lib/net/tc_filter.h"

struct nl_sock;

/* The qdisc in the place of clsact. The older qdisc "ingress" has no egress, and excludes
 * clsact. */
enum domm_tc_qdisc { DOMM_TC_NO_QDISC, DOMM_TC_CLSACT, DOMM_TC_INGRESS };

struct domm_tc_qdiscs {
    enum domm_tc_qdisc ingress;
    /* Packets that the qdisc at the root has dropped. Linux gives a vif of several queues the qdisc
     * mq, which counts for those below it, and these are fq_codel on Debian. */
    uint64_t dropped;
};

/* Reads the qdiscs of a device. */
int domm_tc_read_qdiscs(struct nl_sock *sock, int ifindex, struct domm_tc_qdiscs *qdiscs_r,
                        struct domm_error *err);

/* *created_r says whether the call has created it. */
int domm_tc_add_clsact(struct nl_sock *sock, int ifindex, bool *created_r, struct domm_error *err);

/* Deletes the qdisc and all its filters, including those of others. An absent qdisc is fine. */
int domm_tc_delete_clsact(struct nl_sock *sock, int ifindex, struct domm_error *err);

/* The filters at one hook of a clsact qdisc. */
struct domm_tc_hook {
    struct domm_tc_filter ours; /* .ours is false if there is none */
    size_t others;
    size_t ahead;    /* those of them that see packets before ours does */
    bool in_the_way; /* a filter of others has our priority */
};

/* Reads the filters at one hook. */
int domm_tc_read_hook(struct nl_sock *sock, int ifindex, enum domm_hook hook,
                      struct domm_tc_hook *hook_r, struct domm_error *err);

/* Adds one of our filters; its hook must be free. */
int domm_tc_add_filter(struct nl_sock *sock, const struct domm_tc_filter *filter,
                       struct domm_error *err);

/* Deletes the filter if it is there. */
int domm_tc_delete_filter(struct nl_sock *sock, const struct domm_tc_filter *filter,
                          struct domm_error *err);

#endif
