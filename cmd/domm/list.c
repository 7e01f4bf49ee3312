/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "cmd/domm/arguments.h"
#include "cmd/domm/commands.h"
#include "cmd/domm/output.h"
#include "lib/base/text.h"
#include "lib/pair/inventory.h"

struct selection {
    size_t count;
    const struct domm_member **members;
};

/* peer is null for a target that is not on this host. */
static struct json_object *peer_json(const struct domm_uuid *uuid, const struct domm_member *peer)
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

static void add_peers_json(struct json_object *object, const struct domm_inventory *inventory,
                           const struct domm_member *member)
{
    struct json_object *targets = json_object_new_array();
    struct json_object *domms = json_object_new_array();
    const struct domm_member *watcher = NULL;
    if (member->record_state == DOMM_RECORD_VALID) {
        for (size_t i = 0; i < member->record.n_targets; i++) {
            const struct domm_uuid *uuid = &member->record.targets[i].uuid;
            json_object_array_add(targets,
                                  peer_json(uuid, domm_inventory_by_uuid(inventory, uuid)));
        }
    }
    while ((watcher = domm_inventory_watcher(inventory, member, watcher)))
        json_object_array_add(domms, peer_json(&watcher->domain.uuid, watcher));
    json_object_object_add(object, "targets", targets);
    json_object_object_add(object, "domms", domms);
}

static struct json_object *member_json(const struct domm_inventory *inventory,
                                       const struct domm_member *member)
{
    const struct domm_domain *domain = &member->domain;
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
    domm_json_text(object, "role", domm_role_name(domm_inventory_role(inventory, member)));
    add_peers_json(object, inventory, member);
    return object;
}

static void print_json(const struct domm_inventory *inventory, const struct selection *selection)
{
    cleanup_json struct json_object *root = json_object_new_object();
    struct json_object *domains = json_object_new_array();
    for (size_t i = 0; i < selection->count; i++)
        json_object_array_add(domains, member_json(inventory, selection->members[i]));
    json_object_object_add(root, "domains", domains);
    cmd_print_json(root);
}

/* One name of a list; the UUID for a target that is not on this host. */
static void print_peer(const struct domm_uuid *uuid, const struct domm_member *peer, bool first)
{
    char text[DOMM_UUID_TEXT];
    domm_uuid_format(uuid, text);
    printf("%s%s", first ? "" : ",", peer ? domm_make_printable(peer->domain.name) : text);
}

static void print_peers(const struct domm_inventory *inventory, const struct domm_member *member)
{
    bool first = true;
    const struct domm_member *watcher = NULL;
    if (member->record_state == DOMM_RECORD_VALID) {
        for (size_t i = 0; i < member->record.n_targets; i++, first = false) {
            const struct domm_uuid *uuid = &member->record.targets[i].uuid;
            print_peer(uuid, domm_inventory_by_uuid(inventory, uuid), first);
        }
    } else {
        for (; (watcher = domm_inventory_watcher(inventory, member, watcher)); first = false)
            print_peer(&watcher->domain.uuid, watcher, first);
    }
    puts(first ? "-" : "");
}

static void print_text(const struct domm_inventory *inventory, const struct selection *selection)
{
    int width = 20;
    for (size_t i = 0; i < selection->count; i++) {
        int length = (int)strlen(selection->members[i]->domain.name);
        width = length > width ? length : width;
    }
    printf("%-*s %5s %8s %5s %-4s %-9s %-7s %s\n", width, "NAME", "DOMID", "MEM(MiB)", "VCPUS",
           "TYPE", "STATE", "ROLE", "PEERS");
    for (size_t i = 0; i < selection->count; i++) {
        const struct domm_member *member = selection->members[i];
        const struct domm_domain *domain = &member->domain;
        printf("%-*s %5u %8llu %5u %-4s %-9s %-7s ", width, domm_make_printable(domain->name),
               domain->domid, (unsigned long long)(domain->memory_kib / 1024), domain->vcpus,
               domm_domain_type_name(domain->type), domm_domain_state_name(domain->state),
               domm_role_name(domm_inventory_role(inventory, member)));
        print_peers(inventory, member);
    }
}

/* The domains named, in that order, or all. */
static int select_members(const struct domm_inventory *inventory,
                          const struct cmd_arguments *arguments, struct selection *selection_r,
                          struct domm_error *err)
{
    size_t named = arguments->n_operands;
    selection_r->count = named ? named : inventory->count;
    selection_r->members = calloc(selection_r->count, sizeof(*selection_r->members));
    if (!selection_r->members)
        return domm_no_memory(err);
    for (size_t i = 0; i < inventory->count && !named; i++)
        selection_r->members[i] = &inventory->members[i];
    for (size_t i = 0; i < named; i++) {
        int rc =
            domm_inventory_find(inventory, arguments->operands[i], &selection_r->members[i], err);
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
    int rc = domm_inventory_read(context->xen, context->log, &inventory, err);
    if (rc)
        return rc;
    rc = select_members(&inventory, arguments, &selection, err);
    if (!rc && context->globals.json)
        print_json(&inventory, &selection);
    else if (!rc)
        print_text(&inventory, &selection);
    free(selection.members);
    domm_inventory_free(&inventory);
    return rc;
}
