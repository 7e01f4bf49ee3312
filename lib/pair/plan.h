/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From what an administrator asks for to the record that says it. All that can be refused is
 * refused here, before anything is changed: what fits no more is found out by nobody later.
 */
#ifndef DOMM_PAIR_PLAN_H
#define DOMM_PAIR_PLAN_H

#include "lib/pair/config.h"
#include "lib/pair/inventory.h"

struct nl_sock;

/* A domM that is to be made. DOMM_PREFLIGHT, naming the key, if its name or UUID is taken, the
 * host lacks memory, a bridge or a script; and for its targets as domm_plan_attach has it. */
int domm_plan_create(struct domm_xen *xen, struct nl_sock *netlink,
                     const struct domm_inventory *inventory, const struct domm_config *config,
                     struct domm_record *record_r, struct domm_error *err);

/* One more target for a domM that runs: adds the entry to a copy of its record. DOMM_PREFLIGHT if
 * the target is dom0, domM itself, ends, or is watched already; if a vif of a mirror is not there
 * or domM's leads to a network; if domM has no such disk, or may write to it; DOMM_REFUSED if the
 * domain is not a domM. */
int domm_plan_attach(struct domm_xen *xen, struct nl_sock *netlink,
                     const struct domm_inventory *inventory, const struct domm_member *domm,
                     const struct domm_member *target, const struct domm_record_target *entry,
                     struct domm_record *record_r, struct domm_error *err);

#endif
