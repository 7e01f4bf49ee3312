/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel's traffic control, as far as a port mirror needs it. */
#ifndef DOMM_WATCH_TC_H
#define DOMM_WATCH_TC_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/error.h"
#include "lib/watch/filter.h"

struct nl_sock;

/* What is at the place where clsact goes. The older qdisc "ingress" has no egress, and excludes
 * clsact. */
enum domm_tc_qdisc { DOMM_TC_NO_QDISC, DOMM_TC_CLSACT, DOMM_TC_INGRESS };

int domm_tc_qdisc(struct nl_sock *sock, int ifindex, enum domm_tc_qdisc *qdisc_r,
                  struct domm_error *err);

/* *created_r says whether it was not there before. */
int domm_tc_add_clsact(struct nl_sock *sock, int ifindex, bool *created_r, struct domm_error *err);

/* Takes all its filters with it, whosever they are. That it is not there is fine. */
int domm_tc_delete_clsact(struct nl_sock *sock, int ifindex, struct domm_error *err);

/* What hangs at one hook of a clsact qdisc. */
struct domm_tc_hook {
    struct domm_filter ours; /* .ours is false if there is none */
    size_t others;
    bool in_the_way; /* one of the others has our priority */
};

int domm_tc_read_hook(struct nl_sock *sock, int ifindex, enum domm_hook hook,
                      struct domm_tc_hook *hook_r, struct domm_error *err);

int domm_tc_add_filter(struct nl_sock *sock, const struct domm_filter *filter,
                       struct domm_error *err);

/* Deletes it if it is there. */
int domm_tc_delete_filter(struct nl_sock *sock, const struct domm_filter *filter,
                          struct domm_error *err);

#endif
