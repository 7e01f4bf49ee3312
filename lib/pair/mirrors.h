/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The port mirrors of all records of this host. The records say what shall be, the kernel what
 * is; reconciling makes the one of the other. It may be done at any time, by several at once, and
 * again: after a vif has been made anew, a filter deleted, a domM ended.
 */
#ifndef DOMM_PAIR_MIRRORS_H
#define DOMM_PAIR_MIRRORS_H

#include "lib/pair/inventory.h"
#include "lib/watch/mirror.h"
#include "lib/xen/vif.h"

/* A mirror of a record, with the devices its vifs have now. */
struct domm_mirror_ends {
    struct domm_vif target, monitor;
    int target_ifindex, monitor_ifindex; /* 0: there is no such device now */
};

/* The device that a vif of a domain has now; ifindex 0 if none. */
int domm_vif_device(struct domm_xen *xen, struct nl_sock *sock, uint32_t domid, unsigned devid,
                    struct domm_vif *vif_r, int *ifindex_r, struct domm_error *err);

int domm_mirror_ends(struct domm_xen *xen, struct nl_sock *sock, uint32_t target, uint32_t domm,
                     const struct domm_mirror_pair *pair, struct domm_mirror_ends *ends_r,
                     struct domm_error *err);

/* Takes away our filters where no record wants them, then puts up what is missing. What cannot be
 * done is logged as a warning, and the rest done; nothing of it stops the caller. */
void domm_mirrors_reconcile(struct domm_xen *xen, struct nl_sock *sock,
                            const struct domm_inventory *inventory, struct domm_log *log);

#endif
