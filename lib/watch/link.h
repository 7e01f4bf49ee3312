/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Network devices of dom0, in the kernel's words, by rtnetlink. */
#ifndef DOMM_WATCH_LINK_H
#define DOMM_WATCH_LINK_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/error.h"

struct nl_sock;

struct domm_link {
    int ifindex;
    int master; /* ifindex of the bridge or bond it belongs to, or 0 */
    char name[IF_NAMESIZE];
    char operstate[16]; /* RFC 2863's, as the kernel keeps it: "up", "down", "lowerlayerdown"... */
    bool up;            /* set up by the administrator */
    bool carrier;       /* a vif has it while its guest's end is connected and takes packets */
    uint64_t tx_packets, tx_dropped; /* towards the guest; dropped by the vif itself */
};

/* DOMM_NOT_FOUND if there is no such device. */
int domm_link_by_name(struct nl_sock *sock, const char *name, struct domm_link *link_r,
                      struct domm_error *err);
int domm_link_by_index(struct nl_sock *sock, int ifindex, struct domm_link *link_r,
                       struct domm_error *err);

/* Sets the device up or down. That it is so already is fine. */
int domm_link_set_up(struct nl_sock *sock, int ifindex, bool up, struct domm_error *err);

#endif
