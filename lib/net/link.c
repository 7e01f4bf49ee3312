/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/net/link.h"

#include <netlink/errno.h>
#include <netlink/route/link.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/net/netlink.h"

static void put_link(struct rtnl_link **link)
{
    rtnl_link_put(*link);
}

#define cleanup_link DOMM_CLEANUP(put_link)

static void net_link_fill(struct rtnl_link *link, struct domm_link *link_r)
{
    *link_r = (struct domm_link){
        .ifindex = rtnl_link_get_ifindex(link),
        .master = rtnl_link_get_master(link),
        .up = rtnl_link_get_flags(link) & IFF_UP,
        .carrier = rtnl_link_get_carrier(link),
        .tx_packets = rtnl_link_get_stat(link, RTNL_LINK_TX_PACKETS),
        .dropped = rtnl_link_get_stat(link, RTNL_LINK_TX_DROPPED) +
                   rtnl_link_get_stat(link, RTNL_LINK_RX_DROPPED),
    };
    snprintf(link_r->name, sizeof(link_r->name), "%s", rtnl_link_get_name(link));
    rtnl_link_operstate2str(rtnl_link_get_operstate(link), link_r->operstate,
                            sizeof(link_r->operstate));
}

int domm_link_by_name(struct nl_sock *sock, const char *name, struct domm_link *link_r,
                      struct domm_error *err)
{
    cleanup_link struct rtnl_link *link = NULL;
    if (!*name || strlen(name) >= IF_NAMESIZE)
        return domm_fail(err, DOMM_NOT_FOUND, "no network device can be called '%s'", name);
    int nl_error = rtnl_link_get_kernel(sock, 0, name, &link);
    if (nl_error)
        return domm_netlink_fail(err, nl_error, "network device %s", name);
    net_link_fill(link, link_r);
    return 0;
}

int domm_link_by_index(struct nl_sock *sock, int ifindex, struct domm_link *link_r,
                       struct domm_error *err)
{
    cleanup_link struct rtnl_link *link = NULL;
    int nl_error = rtnl_link_get_kernel(sock, ifindex, NULL, &link);
    if (nl_error)
        return domm_netlink_fail(err, nl_error, "network device number %d", ifindex);
    net_link_fill(link, link_r);
    return 0;
}

int domm_link_set_up(struct nl_sock *sock, int ifindex, bool up, struct domm_error *err)
{
    cleanup_link struct rtnl_link *which = rtnl_link_alloc();
    cleanup_link struct rtnl_link *change = rtnl_link_alloc();
    if (!which || !change)
        return domm_no_memory(err);
    rtnl_link_set_ifindex(which, ifindex);
    if (up)
        rtnl_link_set_flags(change, IFF_UP);
    else
        rtnl_link_unset_flags(change, IFF_UP);
    int nl_error = rtnl_link_change(sock, which, change, 0);
    if (nl_error)
        return domm_netlink_fail(err, nl_error, "setting network device number %d %s", ifindex,
                                 up ? "up" : "down");
    return 0;
}
