/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/pair/config.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/pair/config_items.h"
#include "lib/pair/config_spec.h"

#define MAX_NAME 63

enum key_type {
    KEY_TEXT,
    KEY_FILE,   /* text: a file that must exist */
    KEY_NUMBER, /* value: unsigned */
    KEY_EVENT,  /* value: enum domm_on_event */
    KEY_ITEMS,  /* a list; each item is taken separately */
    KEY_ITEM_OR_ITEMS,
};

struct key {
    const char *name;
    enum key_type type;
    bool required;
    size_t offset;          /* offset in struct domm_config, unless `take` is given */
    domm_config_take *take; /* TEXT: takes the value; ITEMS: takes one item */
    unsigned min, max, preset;
};

static domm_config_take take_name, take_uuid, take_type;

#define AT(entry) .offset = offsetof(struct domm_config, entry)

/* In the order of evaluation: keys that others refer to come first. */
static const struct key keys[] = {
    {.name = "name", .type = KEY_TEXT, .required = true, .take = take_name},
    {.name = "uuid", .type = KEY_TEXT, .take = take_uuid},
    {.name = "type", .type = KEY_TEXT, .take = take_type},
    {.name = "kernel", .type = KEY_FILE, .required = true, AT(kernel)},
    {.name = "ramdisk", .type = KEY_FILE, AT(ramdisk)},
    {.name = "cmdline", .type = KEY_TEXT, AT(cmdline)},
    {.name = "root", .type = KEY_TEXT, AT(root)},
    {.name = "extra", .type = KEY_TEXT, AT(extra)},
    {.name = "memory",
     .type = KEY_NUMBER,
     .required = true,
     AT(memory_mib),
     .min = 32,
     .max = 1048576},
    {.name = "vcpus", .type = KEY_NUMBER, AT(vcpus), .min = 1, .max = 512, .preset = 1},
    {.name = "max_grant_frames", .type = KEY_NUMBER, AT(max_grant_frames), .min = 1, .max = 65536},
    {.name = "on_poweroff", .type = KEY_EVENT, AT(on_poweroff), .preset = DOMM_ON_DESTROY},
    {.name = "on_reboot", .type = KEY_EVENT, AT(on_reboot), .preset = DOMM_ON_RESTART},
    {.name = "on_crash", .type = KEY_EVENT, AT(on_crash), .preset = DOMM_ON_DESTROY},
    {.name = "disk", .type = KEY_ITEMS, .take = domm_config_take_disk},
    {.name = "vif", .type = KEY_ITEMS, .take = domm_config_take_vif},
    {.name = "target", .type = KEY_ITEM_OR_ITEMS, .take = domm_config_take_target},
    {.name = "mirror", .type = KEY_ITEMS, .take = domm_config_take_mirror},
    {.name = "storage", .type = KEY_ITEMS, .take = domm_config_take_storage},
    {.name = "migrate", .type = KEY_ITEMS, .take = domm_config_take_setting},
    {.name = "ready_timeout",
     .type = KEY_NUMBER,
     AT(ready_timeout),
     .min = 1,
     .max = 3600,
     .preset = DOMM_READY_TIMEOUT},
};

#define N_KEYS (sizeof(keys) / sizeof(keys[0]))

static const char *const event_names[] = {
    [DOMM_ON_DESTROY] = "destroy",
    [DOMM_ON_RESTART] = "restart",
    [DOMM_ON_RENAME_RESTART] = "rename-restart",
    [DOMM_ON_PRESERVE] = "preserve",
    [DOMM_ON_COREDUMP_DESTROY] = "coredump-destroy",
    [DOMM_ON_COREDUMP_RESTART] = "coredump-restart",
};

#define N_EVENTS (sizeof(event_names) / sizeof(event_names[0]))

const char *domm_on_event_name(enum domm_on_event event)
{
    return event_names[event];
}

const char *domm_config_key_name(size_t i)
{
    return i < N_KEYS ? keys[i].name : NULL;
}

/* A name of digits only would be a domid; '/' would separate paths of xenstore or of a log. */
static int take_name(struct domm_config *config, const char *text, struct domm_error *err)
{
    size_t length = strlen(text);
    if (length == 0 || length > MAX_NAME)
        return domm_fail(err, DOMM_REFUSED, "not from 1 to %d characters long", MAX_NAME);
    if (strspn(text, "0123456789") == length)
        return domm_fail(err, DOMM_REFUSED, "only digits: that is a domid");
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '/' || !isgraph((unsigned char)text[i]))
            return domm_fail(err, DOMM_REFUSED, "has a blank, a slash or what is not ASCII");
    }
    config->name = strdup(text);
    return config->name ? 0 : domm_no_memory(err);
}

static int take_uuid(struct domm_config *config, const char *text, struct domm_error *err)
{
    if (!domm_uuid_parse(text, &config->uuid) || domm_uuid_is_nil(&config->uuid))
        return domm_fail(err, DOMM_REFUSED, "\"%s\" is not a UUID of a guest", text);
    config->has_uuid = true;
    return 0;
}

static int take_type(struct domm_config *config, const char *text, struct domm_error *err)
{
    (void)config;
    if (strcmp(text, "pv") == 0)
        return 0;
    return domm_fail(err, DOMM_REFUSED,
                     "\"%s\": a monitor is \"pv\", since only a PV guest can map foreign memory",
                     text);
}

static int config_take_event(enum domm_on_event *event_r, const char *text, struct domm_error *err)
{
    for (size_t i = 0; i < N_EVENTS; i++) {
        if (strcmp(event_names[i], text) == 0) {
            *event_r = (enum domm_on_event)i;
            return 0;
        }
    }
    return domm_fail(err, DOMM_REFUSED, "unknown value \"%s\"", text);
}

static int config_take_text(struct domm_config *config, const struct key *key, const char *text,
                            struct domm_error *err)
{
    char *entry = (char *)config + key->offset;
    int rc;
    switch (key->type) {
    case KEY_NUMBER:
        return domm_number_parse(text, key->min, key->max, (unsigned *)(void *)entry, err);
    case KEY_EVENT:
        return config_take_event((enum domm_on_event *)(void *)entry, text, err);
    default:
        if (key->take)
            return key->take(config, text, err);
        rc = key->type == KEY_FILE ? domm_config_check_file(text, err) : 0;
        if (rc)
            return rc;
        *(char **)(void *)entry = strdup(text);
        return *(char **)(void *)entry ? 0 : domm_no_memory(err);
    }
}

static int take_items(const struct domm_config_file *file, struct domm_config *config,
                      const struct key *key, size_t count, struct domm_error *err)
{
    for (size_t i = 0; i < count; i++) {
        const char *text = domm_config_file_item(file, key->name, i);
        int rc = text ? key->take(config, text, err)
                      : domm_fail(err, DOMM_REFUSED, "a list inside the list");
        if (rc)
            return domm_wrap(err, "item %zu", i);
    }
    return 0;
}

static int take_value(const struct domm_config_file *file, struct domm_config *config,
                      const struct key *key, struct domm_error *err)
{
    const char *text = domm_config_file_text(file, key->name);
    size_t count = 0;
    bool is_list = domm_config_file_list(file, key->name, &count);
    bool wants_list = key->type == KEY_ITEMS || key->type == KEY_ITEM_OR_ITEMS;
    if (is_list && wants_list)
        return take_items(file, config, key, count, err);
    if (is_list)
        return domm_fail(err, DOMM_REFUSED, "is a list, expected one value");
    if (key->type == KEY_ITEMS)
        return domm_fail(err, DOMM_REFUSED, "is not a list");
    if (!text) /* the key was found in the text, but not by libxlutil */
        return domm_fail(err, DOMM_REFUSED, "has no value");
    return config_take_text(config, key, text, err);
}

static const struct key *find_key(const char *name)
{
    for (size_t i = 0; i < N_KEYS; i++) {
        if (strcmp(keys[i].name, name) == 0)
            return &keys[i];
    }
    return NULL;
}

/* Twice in the file or twice among the arguments is an error; once in both is an override. */
static int check_assignment(const struct domm_config_key *all, size_t i, struct domm_error *err)
{
    const struct domm_config_key *one = &all[i];
    const struct key *key = find_key(one->name);
    if (!key)
        return domm_fail(err, DOMM_REFUSED, "%s: %s: no such key", one->where, one->name);
    if (one->adds && (key->type == KEY_NUMBER || key->type == KEY_EVENT))
        return domm_fail(err, DOMM_REFUSED, "%s: %s: += is for texts and lists", one->where,
                         one->name);
    for (size_t j = 0; j < i; j++) {
        if (!one->adds && all[j].is_argument == one->is_argument &&
            strcmp(all[j].name, one->name) == 0)
            return domm_fail(err, DOMM_REFUSED, "%s: %s: is set already, at %s", one->where,
                             one->name, all[j].where);
    }
    return 0;
}

/* The last assignment of a key, or null. */
static const char *where_set(const struct domm_config_file *file, const char *name)
{
    const struct domm_config_key *all;
    const char *where = NULL;
    size_t count = domm_config_file_keys(file, &all);
    for (size_t i = 0; i < count; i++)
        where = strcmp(all[i].name, name) == 0 ? all[i].where : where;
    return where;
}

static int check_assignments(const struct domm_config_file *file, struct domm_error *err)
{
    const struct domm_config_key *all;
    size_t count = domm_config_file_keys(file, &all);
    int rc = 0;
    for (size_t i = 0; i < count && !rc; i++)
        rc = check_assignment(all, i, err);
    return rc;
}

/* As in xl: the command line is cmdline, or else "root=ROOT EXTRA". With cmdline xl ignores root
 * and extra with a warning; domm refuses them. */
static int join_cmdline(const struct domm_config_file *file, struct domm_config *config,
                        struct domm_error *err)
{
    if (!config->root && !config->extra)
        return 0;
    if (config->cmdline)
        return domm_fail(err, DOMM_REFUSED, "%s: cmdline: stands beside root or extra",
                         where_set(file, "cmdline"));
    int rc = config->root && config->extra
                 ? asprintf(&config->cmdline, "root=%s %s", config->root, config->extra)
                 : asprintf(&config->cmdline, "%s%s", config->root ? "root=" : "",
                            config->root ? config->root : config->extra);
    if (rc < 0) {
        config->cmdline = NULL;
        return domm_no_memory(err);
    }
    return 0;
}

static int take_key(const struct domm_config_file *file, struct domm_config *config,
                    const struct key *key, struct domm_error *err)
{
    const char *where = where_set(file, key->name);
    if (where) {
        int rc = take_value(file, config, key, err);
        return rc ? domm_wrap(err, "%s: %s", where, key->name) : 0;
    }
    if (key->required)
        return domm_fail(err, DOMM_REFUSED, "%s: %s: is missing", domm_config_file_name(file),
                         key->name);
    if (key->type == KEY_NUMBER)
        *(unsigned *)(void *)((char *)config + key->offset) = key->preset;
    if (key->type == KEY_EVENT)
        *(enum domm_on_event *)(void *)((char *)config + key->offset) =
            (enum domm_on_event)key->preset;
    return 0;
}

static int take_keys(const struct domm_config_file *file, struct domm_config *config,
                     struct domm_error *err)
{
    int rc = check_assignments(file, err);
    for (size_t i = 0; i < N_KEYS && !rc; i++)
        rc = take_key(file, config, &keys[i], err);
    if (rc)
        return rc;
    return join_cmdline(file, config, err);
}

int domm_config_make(const struct domm_config_file *file, struct domm_config **config_r,
                     struct domm_error *err)
{
    struct domm_config *config = calloc(1, sizeof(*config));
    *config_r = NULL;
    if (!config)
        return domm_no_memory(err);
    int rc = take_keys(file, config, err);
    if (rc)
        domm_config_free(config);
    else
        *config_r = config;
    return rc;
}

static void free_lists(struct domm_config *config)
{
    for (size_t i = 0; i < config->n_targets; i++)
        free(config->targets[i]);
    for (size_t i = 0; i < config->n_disks; i++) {
        free(config->disks[i].spec);
        domm_disk_dispose(&config->disks[i].parsed);
    }
    for (struct domm_config_vif *vif = config->vifs; vif < config->vifs + config->n_vifs; vif++) {
        free(vif->mac);
        free(vif->bridge);
        free(vif->script);
        free(vif->ip);
        free(vif->vifname);
        free(vif->rate);
        free(vif->backend);
    }
    for (size_t i = 0; i < config->n_mirrors; i++)
        free(config->mirrors[i].target);
    for (size_t i = 0; i < config->n_storage; i++)
        free(config->storage[i].target);
}

void domm_config_free(struct domm_config *config)
{
    if (!config)
        return;
    free_lists(config);
    free(config->name);
    free(config->kernel);
    free(config->ramdisk);
    free(config->cmdline);
    free(config->root);
    free(config->extra);
    free(config);
}
