/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Makes the record for an administrator's request. All reasons for refusal are checked here, before
 * anything is changed: nothing checks the record later.
 */
#ifndef DOMM_PAIR_PLAN_H
#define DOMM_PAIR_PLAN_H

#include "lib/pair/config.h"
#include "lib/pair/inventory.h"

struct nl_sock;

/* A new monitor. DOMM_PREFLIGHT, naming the key, if its name or UUID is in use, or the host lacks
 * memory, a bridge or a script; for its targets as domm_plan_attach. */
int domm_plan_create(struct domm_xen *xen, struct nl_sock *netlink,
                     const struct domm_inventory *inventory, const struct domm_config *config,
                     struct domm_record *record_r, struct domm_error *err);

/* A further target for a running monitor: adds it to a copy of the monitor's record. DOMM_PREFLIGHT
 * if the target is dom0 or the monitor itself, is ending, or is already monitored; if a vif of a
 * mirror does not exist or the monitor's is on a network; if the monitor has no such disk, or may
 * write to it. DOMM_REFUSED if the domain is not a monitor. */
int domm_plan_attach(struct domm_xen *xen, struct nl_sock *netlink,
                     const struct domm_inventory *inventory,
                     const struct domm_inventory_entry *monitor,
                     const struct domm_inventory_entry *target,
                     const struct domm_record_target *record_target, struct domm_record *record_r,
                     struct domm_error *err);

#endif
