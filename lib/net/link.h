/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Network devices of dom0, by rtnetlink, in the kernel's terms. */
#ifndef DOMM_NET_LINK_H
#define DOMM_NET_LINK_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/error.h"

struct nl_sock;

struct domm_link {
    int ifindex;
    int master; /* ifindex of the bridge or bond it belongs to, or 0 */
    char name[IF_NAMESIZE];
    char operstate[16];  /* RFC 2863's operational state, in the kernel's words: "up", "down",
                            "lowerlayerdown"... */
    bool up;             /* administratively up */
    bool carrier;        /* true for a vif while its guest's end is connected and takes packets */
    uint64_t tx_packets; /* towards the guest */
    /* Packets that the device dropped. For xen-netback one that the guest has not taken after 10 s
     * is one of rx_dropped (xenvif_rx_queue_drop_expired, drivers/net/xen-netback/rx.c). */
    uint64_t dropped;
};

/* DOMM_NOT_FOUND if there is no such device. */
int domm_link_by_name(struct nl_sock *sock, const char *name, struct domm_link *link_r,
                      struct domm_error *err);
int domm_link_by_index(struct nl_sock *sock, int ifindex, struct domm_link *link_r,
                       struct domm_error *err);

/* Sets the device up or down, if it is not so already. */
int domm_link_set_up(struct nl_sock *sock, int ifindex, bool up, struct domm_error *err);

#endif
