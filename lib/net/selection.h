/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which packets of a vif a mirror copies; domm.cfg(5). All of them, if nothing is said. */
#ifndef DOMM_NET_SELECTION_H
#define DOMM_NET_SELECTION_H

#include <stdbool.h>

#include "lib/base/error.h"

#define DOMM_VLAN_MAX 4094 /* IEEE 802.1Q, 9.6: 0 and 4095 are no VLANs */

struct json_object;

struct domm_selection {
    unsigned vlan;     /* 0: tagged or not */
    unsigned protocol; /* an ETH_P_..., in a VLAN that of what is tagged; 0: any */
};

/* Reads "ipv4", "ipv6" or "arp". */
int domm_selection_protocol_parse(const char *text, unsigned *protocol_r, struct domm_error *err);

/* Its name, a static string; null for 0 and for what domm_selection_protocol_parse does not know.
 */
const char *domm_selection_protocol_name(unsigned protocol);

#define DOMM_SELECTION_TEXT 40 /* bytes, with the terminator */

/* As ", VLAN 100, arp", to be put after what is mirrored; empty if all packets are selected. */
void domm_selection_format(const struct domm_selection *selection,
                           char text_r[DOMM_SELECTION_TEXT]);

/* Adds the members "vlan" and "protocol" to a JSON object, each only if it selects. */
void domm_selection_json(struct json_object *object, const struct domm_selection *selection);

/* Whether both select the same packets. */
bool domm_selection_equal(const struct domm_selection *one, const struct domm_selection *other);

/* Whether all packets are selected. */
bool domm_selection_is_all(const struct domm_selection *selection);

#endif
