/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's routing netlink through libnl. A socket is for one thread. Calls return 0 or a
 * libnl error (-NLE_...), since some answers, such as "it exists already", are no failure to the
 * caller; domm_netlink_fail turns the others into an error object.
 */
#ifndef DOMM_WATCH_NETLINK_H
#define DOMM_WATCH_NETLINK_H

#include <netlink/netlink.h>

#include "lib/base/error.h"

int domm_netlink_open(struct nl_sock **sock_r, struct domm_error *err);
void domm_netlink_close(struct nl_sock *sock); /* null is fine */

/* Called for each message of a dump, in the kernel's order. */
typedef void domm_netlink_each(const struct nlmsghdr *message, void *context);

/* Asks for a dump of this type; header is what follows the nlmsghdr of the request. A dump that
 * the kernel calls inconsistent, since something changed meanwhile, ends with
 * -NLE_DUMP_INTR. */
int domm_netlink_dump(struct nl_sock *sock, int type, void *header, size_t size,
                      domm_netlink_each *each, void *context);

/* Starts an error "attempt: reason". A code of DOMM_NOT_PERMITTED, DOMM_NOT_FOUND (no such
 * device) or DOMM_FAILED follows from the reason. Returns -code. */
int domm_netlink_fail(struct domm_error *err, int nl_error, const char *fmt, ...) DOMM_PRINTF(3, 4);

#endif
