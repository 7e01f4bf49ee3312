/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The port mirrors of all records of this host. Reconciling makes the kernel's state equal to the
 * records. It may be done at any time, concurrently, and repeatedly: after a vif was created, a
 * filter deleted, a monitor ended.
 */
#ifndef DOMM_PAIR_MIRRORS_H
#define DOMM_PAIR_MIRRORS_H

#include "lib/net/mirror.h"
#include "lib/pair/inventory.h"
#include "lib/xen/vif.h"

/* A mirror of a record, with the present devices of its vifs. */
struct domm_mirror_ends {
    struct domm_vif target, monitor;
    int target_ifindex, monitor_ifindex; /* 0: no device at present */
};

/* The present device of a domain's vif; ifindex 0 if none. */
int domm_vif_device(struct domm_xen *xen, struct nl_sock *sock, uint32_t domid, unsigned devid,
                    struct domm_vif *vif_r, int *ifindex_r, struct domm_error *err);

/* The devices of both ends of a mirror; ifindex 0 for an end without one. */
int domm_mirror_ends(struct domm_xen *xen, struct nl_sock *sock, uint32_t target, uint32_t monitor,
                     const struct domm_mirror_pair *pair, struct domm_mirror_ends *ends_r,
                     struct domm_error *err);

/* Removes our filters that no record wants, then installs the missing mirrors. Each failure is
 * logged as a warning, and the rest is done; none stops the caller. */
void domm_mirrors_reconcile(struct domm_xen *xen, struct nl_sock *sock,
                            const struct domm_inventory *inventory, struct domm_log *log);

#endif
