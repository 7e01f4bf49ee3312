/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/pair/nodes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/lock.h"
#include "lib/pair/answer.h"

#define PATH_BYTES 128
#define BELOW_BYTES (PATH_BYTES + 32)

/* A node below domm/targets of one domM. */
static int put(struct domm_store *store, const char *directory, const char *name, const char *value,
               struct domm_error *err)
{
    char path[BELOW_BYTES + 32];
    struct domm_error ignored;
    cleanup_free char *old = NULL;
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    if (domm_store_read(store, path, &old, &ignored) == 0 && strcmp(old, value) == 0)
        return 0;
    return domm_store_write(store, path, value, err);
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
        rc = put(store, path, "max_age", age, err);
        rc = rc ? rc : put(store, path, "source", storage->source, err);
        rc = rc ? rc : put(store, path, "type", domm_storage_kind_name(storage->kind), err);
    }
    for (size_t i = target->n_storage; !rc && i < DOMM_RECORD_MAX_ITEMS; i++) {
        snprintf(path, sizeof(path), "%s/storage/%zu", directory, i);
        rc = domm_store_remove(store, path, err);
    }
    return rc;
}

static int put_monitors(struct domm_store *store, const char *directory,
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
    return put(store, directory, "monitors", list, err);
}

/* To domM a target has one name, also while it is migrated. */
static int put_name(struct domm_store *store, const char *directory, const char *name,
                    struct domm_error *err)
{
    cleanup_free char *proper = strndup(name, domm_name_length(name));
    return proper ? put(store, directory, "name", proper, err) : domm_no_memory(err);
}

static bool wanted(const struct domm_inventory *inventory, const struct domm_record *record,
                   const char *name)
{
    struct domm_uuid uuid;
    return domm_uuid_parse(name, &uuid) && domm_record_find(record, &uuid) &&
           domm_inventory_by_uuid(inventory, &uuid);
}

static int remove_others(struct domm_store *store, const char *targets,
                         const struct domm_inventory *inventory, const struct domm_record *record,
                         struct domm_error *err)
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

/* Only if it is not there: setting permissions wakes who watches the node. */
static int show(struct domm_store *store, const char *path, uint32_t domid, struct domm_error *err)
{
    cleanup_free char *value = NULL;
    struct domm_error ignored;
    if (domm_store_read(store, path, &value, &ignored) == 0)
        return 0;
    return domm_store_show(store, path, domid, err);
}

/* A mover that was killed has left domM's programs at rest. */
static int let_go_on(struct domm_store *store, const struct domm_member *domm,
                     struct domm_error *err)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof(path), "/local/domain/%u/" DOMM_NODE_FREEZE, domm->domain.domid);
    int rc = show(store, path, domm->domain.domid, err);
    if (rc || domm_guest_is_moving(&domm->domain.uuid))
        return rc;
    return domm_agent_thaw(store, domm->domain.domid, err);
}

int domm_nodes_reconcile(struct domm_store *store, const struct domm_inventory *inventory,
                         const struct domm_member *domm, struct domm_error *err)
{
    static const struct domm_record nothing;
    const struct domm_record *record =
        domm->record_state == DOMM_RECORD_VALID ? &domm->record : &nothing;
    char targets[64], path[PATH_BYTES], uuid[DOMM_UUID_TEXT];
    snprintf(path, sizeof(path), "/local/domain/%u/" DOMM_NODE_PING, domm->domain.domid);
    snprintf(targets, sizeof(targets), "/local/domain/%u/" DOMM_NODE_TARGETS, domm->domain.domid);
    int rc = show(store, path, domm->domain.domid, err);
    snprintf(path, sizeof(path), "/local/domain/%u/" DOMM_NODE_HEARD, domm->domain.domid);
    rc = rc ? rc : show(store, path, domm->domain.domid, err);
    rc = rc ? rc : let_go_on(store, domm, err);
    rc = rc ? rc : show(store, targets, domm->domain.domid, err);
    rc = rc ? rc : remove_others(store, targets, inventory, record, err);
    for (size_t i = 0; !rc && i < record->n_targets; i++) {
        const struct domm_record_target *target = &record->targets[i];
        const struct domm_member *member = domm_inventory_by_uuid(inventory, &target->uuid);
        if (!member)
            continue;
        domm_uuid_format(&target->uuid, uuid);
        snprintf(path, sizeof(path), "%s/%s", targets, uuid);
        rc = put_storage(store, path, target, err);
        rc = rc ? rc : put_monitors(store, path, target, err);
        rc = rc ? rc : put_name(store, path, member->domain.name, err);
    }
    return rc;
}
