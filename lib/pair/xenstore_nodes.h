/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The xenstore nodes that dom0 writes for a monitor. Below the monitor's home, for each target of
 * its record that runs here:
 *
 *     domm/targets/<uuid>/name
 *     domm/targets/<uuid>/monitors        the monitor vifs of its mirrors: "1,2"
 *     domm/targets/<uuid>/storage/<n>/{type,source,max_age}, and options, of NFS
 *
 * Also domm/ping and domm/freeze, which the agent answers (agent_client.h), and domm/heard, the
 * time of the agent's last sign of life. The monitor can read these nodes, but not write them.
 */
#ifndef DOMM_PAIR_XENSTORE_NODES_H
#define DOMM_PAIR_XENSTORE_NODES_H

#include "lib/pair/inventory.h"
#include "lib/xen/store.h"

#define DOMM_NODE_TARGETS "domm/targets"
#define DOMM_NODE_PING "domm/ping"
#define DOMM_NODE_FREEZE "domm/freeze"
#define DOMM_NODE_HEARD "domm/heard" /* ms, on CLOCK_MONOTONIC of this host */
#define DOMM_NODE_AGENT "domm/agent"
#define DOMM_NODE_ALIVE DOMM_NODE_AGENT "/alive"

/* Makes the nodes equal to the record; correct nodes are not written again. */
int domm_xenstore_nodes_reconcile(struct domm_store *store, const struct domm_inventory *inventory,
                                  const struct domm_inventory_entry *monitor,
                                  struct domm_error *err);

#endif
