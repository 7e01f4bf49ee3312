/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/domm/action.h"

struct json_object *cmd_peer_json(const struct domm_uuid *uuid,
                                  const struct domm_inventory_entry *peer)
{
    struct json_object *object = json_object_new_object();
    char text[DOMM_UUID_TEXT];
    domm_uuid_format(uuid, text);
    domm_json_text(object, "uuid", text);
    if (peer) {
        domm_json_text(object, "name", peer->domain.name);
        domm_json_number(object, "domid", peer->domain.domid);
    } else {
        json_object_object_add(object, "name", NULL);
        json_object_object_add(object, "domid", NULL);
    }
    return object;
}

struct json_object *cmd_action_json(const struct cmd_context *context, const char *action,
                                    const struct domm_inventory_entry *monitor)
{
    struct json_object *object = json_object_new_object();
    domm_json_text(object, "action", action);
    domm_json_bool(object, "dry_run", context->globals.dry_run);
    json_object_object_add(object, "monitor", cmd_peer_json(&monitor->domain.uuid, monitor));
    json_object_object_add(object, "targets", json_object_new_array());
    return object;
}

void cmd_action_add(struct json_object *action, const struct domm_uuid *uuid,
                    const struct domm_inventory_entry *target)
{
    json_object_array_add(json_object_object_get(action, "targets"), cmd_peer_json(uuid, target));
}

void cmd_action_add_record(struct json_object *action, const struct domm_inventory *inventory,
                           const struct domm_record *record)
{
    for (size_t i = 0; i < record->n_targets; i++)
        cmd_action_add(action, &record->targets[i].uuid,
                       domm_inventory_by_uuid(inventory, &record->targets[i].uuid));
}
