/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/pair/config.h"

/* A null string becomes null, so that every member is present. */
static void add_text(struct json_object *object, const char *key, const char *value)
{
    json_object_object_add(object, key, value ? json_object_new_string(value) : NULL);
}

static struct json_object *disks_json(const struct domm_config *config)
{
    struct json_object *list = json_object_new_array();
    for (size_t i = 0; i < config->n_disks; i++) {
        const struct domm_config_disk *disk = &config->disks[i];
        struct json_object *object = json_object_new_object();
        add_text(object, "spec", disk->spec);
        add_text(object, "vdev", disk->parsed.vdev);
        add_text(object, "path", disk->parsed.path);
        add_text(object, "script", disk->script);
        domm_json_bool(object, "writable", disk->parsed.writable);
        json_object_array_add(list, object);
    }
    return list;
}

static struct json_object *vifs_json(const struct domm_config *config)
{
    struct json_object *list = json_object_new_array();
    for (size_t i = 0; i < config->n_vifs; i++) {
        const struct domm_config_vif *vif = &config->vifs[i];
        struct json_object *object = json_object_new_object();
        add_text(object, "mac", vif->mac);
        add_text(object, "bridge", vif->bridge);
        add_text(object, "script", vif->script);
        add_text(object, "ip", vif->ip);
        add_text(object, "vifname", vif->vifname);
        add_text(object, "rate", vif->rate);
        add_text(object, "backend", vif->backend);
        json_object_object_add(object, "mtu", vif->mtu ? json_object_new_uint64(vif->mtu) : NULL);
        domm_json_bool(object, "monitor", vif->monitor);
        json_object_array_add(list, object);
    }
    return list;
}

static struct json_object *mirrors_json(const struct domm_config *config)
{
    struct json_object *list = json_object_new_array();
    for (size_t i = 0; i < config->n_mirrors; i++) {
        struct json_object *object = json_object_new_object();
        add_text(object, "target", config->mirrors[i].target);
        domm_json_number(object, "vif", config->mirrors[i].pair.vif);
        domm_json_number(object, "to", config->mirrors[i].pair.to);
        domm_selection_json(object, &config->mirrors[i].pair.selection);
        json_object_array_add(list, object);
    }
    return list;
}

static struct json_object *storage_json(const struct domm_config *config)
{
    struct json_object *list = json_object_new_array();
    for (size_t i = 0; i < config->n_storage; i++) {
        const struct domm_storage *storage = &config->storage[i].storage;
        struct json_object *object = json_object_new_object();
        add_text(object, "target", config->storage[i].target);
        add_text(object, domm_storage_kind_name(storage->kind), storage->source);
        domm_json_number(object, "max_age", storage->max_age);
        if (storage->kind == DOMM_STORAGE_NFS)
            domm_json_bool(object, "check", !storage->unchecked);
        if (storage->nfs.port)
            domm_json_number(object, "port", storage->nfs.port);
        if (*storage->nfs.sec)
            domm_json_text(object, "sec", storage->nfs.sec);
        if (*storage->nfs.vers)
            domm_json_text(object, "vers", storage->nfs.vers);
        json_object_array_add(list, object);
    }
    return list;
}

static struct json_object *targets_json(const struct domm_config *config)
{
    struct json_object *list = json_object_new_array();
    for (size_t i = 0; i < config->n_targets; i++)
        json_object_array_add(list, json_object_new_string(config->targets[i]));
    return list;
}

static struct json_object *migrate_json(const struct domm_config *config)
{
    struct json_object *object = json_object_new_object();
    for (size_t i = 0; i < config->migrate.count; i++)
        domm_json_text(object, config->migrate.items[i].key, config->migrate.items[i].value);
    return object;
}

struct json_object *domm_config_json(const struct domm_config *config)
{
    struct json_object *root = json_object_new_object();
    char uuid[DOMM_UUID_TEXT];
    domm_uuid_format(&config->uuid, uuid);
    add_text(root, "name", config->name);
    add_text(root, "uuid", config->has_uuid ? uuid : NULL);
    add_text(root, "type", "pv");
    add_text(root, "kernel", config->kernel);
    add_text(root, "ramdisk", config->ramdisk);
    add_text(root, "cmdline", config->cmdline);
    domm_json_number(root, "memory", config->memory_mib);
    domm_json_number(root, "vcpus", config->vcpus);
    json_object_object_add(
        root, "max_grant_frames",
        config->max_grant_frames ? json_object_new_uint64(config->max_grant_frames) : NULL);
    add_text(root, "on_poweroff", domm_on_event_name(config->on_poweroff));
    add_text(root, "on_reboot", domm_on_event_name(config->on_reboot));
    add_text(root, "on_crash", domm_on_event_name(config->on_crash));
    json_object_object_add(root, "disk", disks_json(config));
    json_object_object_add(root, "vif", vifs_json(config));
    json_object_object_add(root, "target", targets_json(config));
    json_object_object_add(root, "mirror", mirrors_json(config));
    json_object_object_add(root, "storage", storage_json(config));
    json_object_object_add(root, "migrate", migrate_json(config));
    domm_json_number(root, "ready_timeout", config->ready_timeout);
    return root;
}
