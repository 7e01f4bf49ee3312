/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "cmd/domm/action.h"
#include "cmd/domm/arguments.h"
#include "cmd/domm/commands.h"
#include "cmd/domm/output.h"
#include "lib/base/text.h"
#include "lib/pair/inventory.h"

struct selection {
    size_t count;
    const struct domm_inventory_entry **entries;
};

static void add_peers_json(struct json_object *object, const struct domm_inventory *inventory,
                           const struct domm_inventory_entry *entry)
{
    struct json_object *targets = json_object_new_array();
    struct json_object *monitors = json_object_new_array();
    const struct domm_inventory_entry *monitor = NULL;
    if (entry->record_state == DOMM_RECORD_VALID) {
        for (size_t i = 0; i < entry->record.n_targets; i++) {
            const struct domm_uuid *uuid = &entry->record.targets[i].uuid;
            json_object_array_add(targets,
                                  cmd_peer_json(uuid, domm_inventory_by_uuid(inventory, uuid)));
        }
    }
    while ((monitor = domm_inventory_monitor_of(inventory, entry, monitor)))
        json_object_array_add(monitors, cmd_peer_json(&monitor->domain.uuid, monitor));
    json_object_object_add(object, "targets", targets);
    json_object_object_add(object, "monitors", monitors);
}

static struct json_object *entry_json(const struct domm_inventory *inventory,
                                      const struct domm_inventory_entry *entry)
{
    const struct domm_domain *domain = &entry->domain;
    struct json_object *object = json_object_new_object();
    char uuid[DOMM_UUID_TEXT];
    domm_uuid_format(&domain->uuid, uuid);
    domm_json_text(object, "name", domain->name);
    domm_json_number(object, "domid", domain->domid);
    domm_json_text(object, "uuid", uuid);
    domm_json_text(object, "type", domm_domain_type_name(domain->type));
    domm_json_text(object, "state", domm_domain_state_name(domain->state));
    domm_json_number(object, "memory_kib", domain->memory_kib);
    domm_json_number(object, "vcpus", domain->vcpus);
    domm_json_text(object, "role", domm_role_name(domm_inventory_role(inventory, entry)));
    add_peers_json(object, inventory, entry);
    return object;
}

static void list_print_json(const struct domm_inventory *inventory,
                            const struct selection *selection)
{
    cleanup_json struct json_object *root = json_object_new_object();
    struct json_object *domains = json_object_new_array();
    for (size_t i = 0; i < selection->count; i++)
        json_object_array_add(domains, entry_json(inventory, selection->entries[i]));
    json_object_object_add(root, "domains", domains);
    cmd_print_json(root);
}

/* Prints one name of a list, or the UUID of a target that is not on this host. */
static void print_peer(const struct domm_uuid *uuid, const struct domm_inventory_entry *peer,
                       bool first)
{
    char text[DOMM_UUID_TEXT];
    domm_uuid_format(uuid, text);
    printf("%s%s", first ? "" : ",", peer ? domm_make_printable(peer->domain.name) : text);
}

static void print_peers(const struct domm_inventory *inventory,
                        const struct domm_inventory_entry *entry)
{
    bool first = true;
    const struct domm_inventory_entry *monitor = NULL;
    if (entry->record_state == DOMM_RECORD_VALID) {
        for (size_t i = 0; i < entry->record.n_targets; i++, first = false) {
            const struct domm_uuid *uuid = &entry->record.targets[i].uuid;
            print_peer(uuid, domm_inventory_by_uuid(inventory, uuid), first);
        }
    } else {
        for (; (monitor = domm_inventory_monitor_of(inventory, entry, monitor)); first = false)
            print_peer(&monitor->domain.uuid, monitor, first);
    }
    puts(first ? "-" : "");
}

static void list_print_text(const struct domm_inventory *inventory,
                            const struct selection *selection)
{
    int width = 20;
    for (size_t i = 0; i < selection->count; i++) {
        int length = (int)strlen(selection->entries[i]->domain.name);
        width = length > width ? length : width;
    }
    printf("%-*s %5s %8s %5s %-4s %-9s %-7s %s\n", width, "NAME", "DOMID", "MEM(MiB)", "VCPUS",
           "TYPE", "STATE", "ROLE", "PEERS");
    for (size_t i = 0; i < selection->count; i++) {
        const struct domm_inventory_entry *entry = selection->entries[i];
        const struct domm_domain *domain = &entry->domain;
        printf("%-*s %5u %8llu %5u %-4s %-9s %-7s ", width, domm_make_printable(domain->name),
               domain->domid, (unsigned long long)(domain->memory_kib / 1024), domain->vcpus,
               domm_domain_type_name(domain->type), domm_domain_state_name(domain->state),
               domm_role_name(domm_inventory_role(inventory, entry)));
        print_peers(inventory, entry);
    }
}

/* Selects the domains named, in that order, or all. */
static int select_entries(const struct domm_inventory *inventory,
                          const struct cmd_arguments *arguments, struct selection *selection_r,
                          struct domm_error *err)
{
    size_t named = arguments->n_operands;
    selection_r->count = named ? named : inventory->count;
    selection_r->entries = calloc(selection_r->count, sizeof(*selection_r->entries));
    if (!selection_r->entries)
        return domm_no_memory(err);
    for (size_t i = 0; i < inventory->count && !named; i++)
        selection_r->entries[i] = &inventory->entries[i];
    for (size_t i = 0; i < named; i++) {
        int rc =
            domm_inventory_find(inventory, arguments->operands[i], &selection_r->entries[i], err);
        if (rc)
            return rc;
    }
    return 0;
}

int cmd_list(struct cmd_context *context, const struct cmd_arguments *arguments,
             struct domm_error *err)
{
    struct domm_inventory inventory;
    struct selection selection;
    int rc = domm_inventory_read_unscanned(context->xen, context->log, NULL, &inventory, err);
    if (rc)
        return rc;
    rc = select_entries(&inventory, arguments, &selection, err);
    if (!rc && context->globals.json)
        list_print_json(&inventory, &selection);
    else if (!rc)
        list_print_text(&inventory, &selection);
    free(selection.entries);
    domm_inventory_free(&inventory);
    return rc;
}
