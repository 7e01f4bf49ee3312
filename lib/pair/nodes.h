/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What dom0 tells a domM in xenstore: below domm/targets of its home, for each target of its
 * record that runs here,
 *
 *     domm/targets/<uuid>/name
 *     domm/targets/<uuid>/monitors        domM's vifs by which its packets come: "1,2"
 *     domm/targets/<uuid>/storage/<n>/{type,source,max_age}
 *
 * and domm/ping and domm/freeze, which the agent answers (answer.h), and domm/heard, when dommd has
 * seen its last sign of life. domM can read all of it, and write none.
 */
#ifndef DOMM_PAIR_NODES_H
#define DOMM_PAIR_NODES_H

#include "lib/pair/inventory.h"
#include "lib/xen/store.h"

#define DOMM_NODE_TARGETS "domm/targets"
#define DOMM_NODE_PING "domm/ping"
#define DOMM_NODE_FREEZE "domm/freeze"
#define DOMM_NODE_HEARD "domm/heard" /* ms of CLOCK_MONOTONIC of this host */
#define DOMM_NODE_AGENT "domm/agent"
#define DOMM_NODE_ALIVE DOMM_NODE_AGENT "/alive"

/* Makes the nodes what the record says; what is right already is not written again. */
int domm_nodes_reconcile(struct domm_store *store, const struct domm_inventory *inventory,
                         const struct domm_member *domm, struct domm_error *err);

#endif
