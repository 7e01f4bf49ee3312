/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/pair/xenstore_nodes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/pair/agent_client.h"
#include "lib/pair/locks.h"
#include "lib/pair/pages.h"

#define PATH_BYTES 128
#define BELOW_BYTES (PATH_BYTES + 32)

/* Room for the path of a node below a monitor's domm/targets. */
static int nodes_put(struct domm_store *store, const char *directory, const char *name,
                     const char *value, struct domm_error *err)
{
    char path[BELOW_BYTES + 32];
    struct domm_error ignored;
    cleanup_free char *old = NULL;
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    if (domm_store_read(store, path, &old, &ignored) == 0 && strcmp(old, value) == 0)
        return 0;
    return domm_store_write(store, path, value, err);
}

/* Written before the parts that make a storage whole for the agent. */
static int put_options(struct domm_store *store, const char *directory,
                       const struct domm_storage *storage, struct domm_error *err)
{
    char text[DOMM_NFS_OPTIONS], path[BELOW_BYTES + 32];
    domm_nfs_options_format(&storage->nfs, text);
    if (*text)
        return nodes_put(store, directory, "options", text, err);
    snprintf(path, sizeof(path), "%s/options", directory);
    return domm_store_remove(store, path, err);
}

static int put_storage(struct domm_store *store, const char *directory,
                       const struct domm_record_target *target, struct domm_error *err)
{
    char path[BELOW_BYTES], age[16];
    int rc = 0;
    for (size_t i = 0; !rc && i < target->n_storage; i++) {
        const struct domm_storage *storage = &target->storage[i];
        snprintf(path, sizeof(path), "%s/storage/%zu", directory, i);
        snprintf(age, sizeof(age), "%u", storage->max_age);
        rc = put_options(store, path, storage, err);
        if (rc)
            return rc;
        rc = nodes_put(store, path, "max_age", age, err);
        if (rc)
            return rc;
        rc = nodes_put(store, path, "source", storage->source, err);
        if (rc)
            return rc;
        rc = nodes_put(store, path, "type", domm_storage_kind_name(storage->kind), err);
    }
    for (size_t i = target->n_storage; !rc && i < DOMM_RECORD_MAX_ITEMS; i++) {
        snprintf(path, sizeof(path), "%s/storage/%zu", directory, i);
        rc = domm_store_remove(store, path, err);
    }
    return rc;
}

static int put_monitor_vifs(struct domm_store *store, const char *directory,
                            const struct domm_record_target *target, struct domm_error *err)
{
    char list[DOMM_RECORD_MAX_ITEMS * 5] = "";
    for (size_t i = 0; i < target->n_mirrors; i++) {
        bool again = false;
        for (size_t j = 0; j < i; j++)
            again |= target->mirrors[j].to == target->mirrors[i].to;
        size_t used = strlen(list);
        if (!again)
            snprintf(list + used, sizeof(list) - used, "%s%u", used ? "," : "",
                     target->mirrors[i].to);
    }
    return nodes_put(store, directory, "monitors", list, err);
}

/* The monitor sees the target's proper name, even during a migration. */
static int put_name(struct domm_store *store, const char *directory, const char *name,
                    struct domm_error *err)
{
    cleanup_free char *proper = strndup(name, domm_name_length(name));
    return proper ? nodes_put(store, directory, "name", proper, err) : domm_no_memory(err);
}

static bool wanted(const struct domm_inventory *inventory, const struct domm_record *record,
                   const char *name)
{
    struct domm_uuid uuid;
    return domm_uuid_parse(name, &uuid) && domm_record_find(record, &uuid) &&
           domm_inventory_by_uuid(inventory, &uuid);
}

static int nodes_remove_others(struct domm_store *store, const char *targets,
                               const struct domm_inventory *inventory,
                               const struct domm_record *record, struct domm_error *err)
{
    cleanup_free char **names = NULL;
    size_t count = 0;
    int rc = domm_store_list(store, targets, &names, &count, err);
    for (size_t i = 0; !rc && i < count; i++) {
        char path[BELOW_BYTES];
        if (wanted(inventory, record, names[i]) || strlen(names[i]) > 64)
            continue;
        snprintf(path, sizeof(path), "%s/%s", targets, names[i]);
        rc = domm_store_remove(store, path, err);
    }
    return rc;
}

/* Only if it does not exist: setting permissions fires the watches of the node. */
static int nodes_show(struct domm_store *store, const char *path, uint32_t domid,
                      struct domm_error *err)
{
    cleanup_free char *value = NULL;
    struct domm_error ignored;
    if (domm_store_read(store, path, &value, &ignored) == 0)
        return 0;
    return domm_store_show(store, path, domid, err);
}

/* A killed migration has left the monitor's programs frozen. */
static int let_go_on(struct domm_store *store, const struct domm_inventory_entry *monitor,
                     struct domm_error *err)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof(path), "/local/domain/%u/" DOMM_NODE_FREEZE, monitor->domain.domid);
    int rc = nodes_show(store, path, monitor->domain.domid, err);
    if (rc || domm_guest_is_moving(&monitor->domain.uuid))
        return rc;
    return domm_agent_thaw(store, monitor->domain.domid, err);
}

static int show_pages(struct domm_store *store, uint32_t monitor,
                      const struct domm_inventory *inventory, const struct domm_record *record,
                      struct domm_error *err)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof(path), "/local/domain/%u/" DOMM_NODE_PAGES, monitor);
    int rc = nodes_show(store, path, monitor, err);
    if (rc)
        return rc;
    return nodes_remove_others(store, path, inventory, record, err);
}

int domm_xenstore_nodes_reconcile(struct domm_store *store, const struct domm_inventory *inventory,
                                  const struct domm_inventory_entry *monitor,
                                  struct domm_error *err)
{
    static const struct domm_record nothing;
    const struct domm_record *record =
        monitor->record_state == DOMM_RECORD_VALID ? &monitor->record : &nothing;
    char targets[64], path[PATH_BYTES], uuid[DOMM_UUID_TEXT];
    snprintf(path, sizeof(path), "/local/domain/%u/" DOMM_NODE_PING, monitor->domain.domid);
    snprintf(targets, sizeof(targets), "/local/domain/%u/" DOMM_NODE_TARGETS,
             monitor->domain.domid);
    int rc = nodes_show(store, path, monitor->domain.domid, err);
    if (rc)
        return rc;
    snprintf(path, sizeof(path), "/local/domain/%u/" DOMM_NODE_HEARD, monitor->domain.domid);
    rc = nodes_show(store, path, monitor->domain.domid, err);
    if (rc)
        return rc;
    rc = let_go_on(store, monitor, err);
    if (rc)
        return rc;
    rc = nodes_show(store, targets, monitor->domain.domid, err);
    if (rc)
        return rc;
    rc = show_pages(store, monitor->domain.domid, inventory, record, err);
    if (rc)
        return rc;
    rc = nodes_remove_others(store, targets, inventory, record, err);
    for (size_t i = 0; !rc && i < record->n_targets; i++) {
        const struct domm_record_target *target = &record->targets[i];
        const struct domm_inventory_entry *entry = domm_inventory_by_uuid(inventory, &target->uuid);
        if (!entry)
            continue;
        domm_uuid_format(&target->uuid, uuid);
        snprintf(path, sizeof(path), "%s/%s", targets, uuid);
        rc = put_storage(store, path, target, err);
        if (rc)
            return rc;
        rc = put_monitor_vifs(store, path, target, err);
        if (rc)
            return rc;
        rc = put_name(store, path, entry->domain.name, err);
    }
    return rc;
}
