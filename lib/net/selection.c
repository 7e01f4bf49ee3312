/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/net/selection.h"

#include <linux/if_ether.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/json.h"

static const struct {
    const char *name;
    unsigned protocol;
} protocols[] = {{"ipv4", ETH_P_IP}, {"ipv6", ETH_P_IPV6}, {"arp", ETH_P_ARP}};

#define PROTOCOLS (sizeof(protocols) / sizeof(protocols[0]))

int domm_selection_protocol_parse(const char *text, unsigned *protocol_r, struct domm_error *err)
{
    for (size_t i = 0; i < PROTOCOLS; i++) {
        if (strcmp(protocols[i].name, text) == 0) {
            *protocol_r = protocols[i].protocol;
            return 0;
        }
    }
    return domm_fail(err, DOMM_REFUSED, "protocol=%s is not ipv4, ipv6 or arp", text);
}

const char *domm_selection_protocol_name(unsigned protocol)
{
    for (size_t i = 0; i < PROTOCOLS; i++) {
        if (protocols[i].protocol == protocol)
            return protocols[i].name;
    }
    return NULL;
}

void domm_selection_format(const struct domm_selection *selection, char text_r[DOMM_SELECTION_TEXT])
{
    const char *protocol = domm_selection_protocol_name(selection->protocol);
    char vlan[24] = "";
    if (selection->vlan)
        snprintf(vlan, sizeof(vlan), ", VLAN %u", selection->vlan);
    snprintf(text_r, DOMM_SELECTION_TEXT, "%s%s%s", vlan, protocol ? ", " : "",
             protocol ? protocol : "");
}

void domm_selection_json(struct json_object *object, const struct domm_selection *selection)
{
    if (selection->vlan)
        domm_json_number(object, "vlan", selection->vlan);
    if (selection->protocol)
        domm_json_text(object, "protocol", domm_selection_protocol_name(selection->protocol));
}

bool domm_selection_equal(const struct domm_selection *one, const struct domm_selection *other)
{
    return one->vlan == other->vlan && one->protocol == other->protocol;
}

bool domm_selection_is_all(const struct domm_selection *selection)
{
    return !selection->vlan && !selection->protocol;
}
