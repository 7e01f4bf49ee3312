/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a command on a pair has done, or with -N would do, for --json. */
#ifndef DOMM_CMD_ACTION_H
#define DOMM_CMD_ACTION_H

#include "cmd/domm/table.h"
#include "lib/base/json.h"
#include "lib/pair/inventory.h"

/* UUID, name and domid; the last two are null for a target that is not on this host (peer is null
 * then). The caller's to put. */
struct json_object *cmd_peer_json(const struct domm_uuid *uuid,
                                  const struct domm_inventory_entry *peer);

/* An action on a monitor, with no targets yet. The caller's to put. */
struct json_object *cmd_action_json(const struct cmd_context *context, const char *action,
                                    const struct domm_inventory_entry *monitor);

/* Adds a target to an action; one that is null is not on this host. */
void cmd_action_add(struct json_object *action, const struct domm_uuid *uuid,
                    const struct domm_inventory_entry *target);

/* Adds all targets of a record. */
void cmd_action_add_record(struct json_object *action, const struct domm_inventory *inventory,
                           const struct domm_record *record);

#endif
