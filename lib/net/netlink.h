/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's routing netlink through libnl. A socket is for one thread. Calls return 0 or a libnl
 * error (-NLE_...), since some errors, such as "exists already", are expected by the caller;
 * domm_netlink_fail turns the others into an error object.
 */
#ifndef DOMM_NET_NETLINK_H
#define DOMM_NET_NETLINK_H

#include <netlink/netlink.h>

#include "lib/base/error.h"

int domm_netlink_open(struct nl_sock **sock_r, struct domm_error *err);
void domm_netlink_close(struct nl_sock *sock); /* null is fine */

/* Called for each message of a dump, in the kernel's order. */
typedef void domm_netlink_each(const struct nlmsghdr *message, void *context);

/* Requests a dump of this type; header is the part of the request after its nlmsghdr. A dump during
 * which something changed ends with -NLE_DUMP_INTR. */
int domm_netlink_dump(struct nl_sock *sock, int type, void *header, size_t size,
                      domm_netlink_each *each, void *context);

/* Starts an error "attempt: reason" and derives its code from the reason: DOMM_NOT_PERMITTED,
 * DOMM_NOT_FOUND (no such device) or DOMM_FAILED. Returns -code. */
int domm_netlink_fail(struct domm_error *err, int nl_error, const char *fmt, ...) DOMM_PRINTF(3, 4);

#endif
