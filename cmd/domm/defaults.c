/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/domm/defaults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/domm/host.h"
#include "lib/xen/config_file.h"

const char *cmd_defaults_path(void)
{
    const char *path = getenv("DOMM_CONF");
    return path && *path ? path : "/etc/domm/domm.conf";
}

void cmd_defaults_key(const struct cmd_option *option, char *key_r, size_t size)
{
    snprintf(key_r, size, "%s", option->name);
    for (char *c = key_r; *c; c++)
        *c = *c == '-' ? '_' : *c;
}

static struct cmd_default *find_default(struct cmd_defaults *defaults, const char *key)
{
    for (size_t i = 0; i < defaults->count; i++) {
        char name[64];
        cmd_defaults_key(defaults->items[i].option, name, sizeof(name));
        if (strcmp(name, key) == 0)
            return &defaults->items[i];
    }
    return NULL;
}

static int take_default(struct cmd_defaults *defaults, const struct domm_config_key *key,
                        struct domm_error *err)
{
    struct cmd_default *item = find_default(defaults, key->name);
    const char *value = domm_config_file_text(defaults->file, key->name);
    if (!item)
        return domm_fail(err, DOMM_REFUSED, "%s: %s: no such key", key->where, key->name);
    if (item->where)
        return domm_fail(err, DOMM_REFUSED, "%s: %s: is set already, at %s", key->where, key->name,
                         item->where);
    if (!value || key->adds)
        return domm_fail(err, DOMM_REFUSED, "%s: %s: expected one value", key->where, key->name);
    item->where = key->where;
    item->parsed.value = value;
    if (cmd_option_choose(item->option, &item->parsed, err))
        return domm_fail(err, DOMM_REFUSED, "%s: %s: '%.64s' is not a value of it", key->where,
                         key->name, value);
    return 0;
}

static int read_defaults_file(struct cmd_defaults *defaults, struct domm_error *err)
{
    const struct domm_config_key *keys;
    if (access(cmd_defaults_path(), F_OK))
        return 0;
    int rc = domm_config_file_read(cmd_defaults_path(), NULL, 0, &defaults->file, err);
    if (rc)
        return rc;
    size_t count = domm_config_file_keys(defaults->file, &keys);
    for (size_t i = 0; !rc && i < count; i++)
        rc = take_default(defaults, &keys[i], err);
    return rc ? domm_hint(err, "see domm.conf(5)") : 0;
}

static void list_options(const struct cmd_option *options, struct cmd_defaults *defaults_r)
{
    *defaults_r = (struct cmd_defaults){0};
    for (; options->id && defaults_r->count < CMD_DEFAULTS_MAX; options++) {
        if (!options->argument)
            continue;
        struct cmd_default *item = &defaults_r->items[defaults_r->count++];
        item->option = options;
        item->parsed = (struct cmd_parsed_option){.id = options->id, .value = options->preset};
    }
}

int cmd_defaults_read(const struct cmd_option *options, struct cmd_defaults *defaults_r,
                      struct domm_error *err)
{
    list_options(options, defaults_r);
    return read_defaults_file(defaults_r, err);
}

/* A number is checked by who uses it. */
static int check_value(const struct cmd_default *item, const char *value,
                       struct cmd_parsed_option *parsed_r, struct domm_error *err)
{
    *parsed_r = (struct cmd_parsed_option){.id = item->option->id, .value = value};
    if (item->option->values)
        return cmd_option_choose(item->option, parsed_r, err);
    return strspn(value, "0123456789") == strlen(value)
               ? 0
               : domm_fail(err, DOMM_REFUSED, "not a number");
}

static int override_one(struct cmd_defaults *defaults, const struct domm_setting *setting,
                        struct domm_error *err)
{
    struct cmd_default *item = find_default(defaults, setting->key);
    struct cmd_parsed_option parsed;
    struct domm_error why;
    if (!item || item->option->id == 's')
        return domm_fail(err, DOMM_REFUSED, "migrate: a pair cannot set %s", setting->key);
    if (check_value(item, setting->value, &parsed, &why))
        return domm_fail(err, DOMM_REFUSED, "migrate: %s: '%s' is not a value of it", setting->key,
                         setting->value);
    item->parsed = parsed;
    item->where = "the pair";
    return 0;
}

int cmd_defaults_override(struct cmd_defaults *defaults, const struct domm_settings *settings,
                          struct domm_error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < settings->count; i++)
        rc = override_one(defaults, &settings->items[i], err);
    return rc ? domm_hint(err, "see migrate in domm.cfg(5)") : 0;
}

int cmd_settings_check(const struct domm_settings *settings, struct domm_error *err)
{
    struct cmd_defaults presets;
    list_options(cmd_migrate_options, &presets);
    return cmd_defaults_override(&presets, settings, err);
}

void cmd_settings_read(const char *pair, struct domm_settings *settings_r)
{
    struct domm_inventory inventory;
    const struct domm_inventory_entry *monitor;
    struct domm_error ignored;
    *settings_r = (struct domm_settings){0};
    if (!cmd_inventory_silently(&inventory))
        return;
    if (domm_inventory_find_pair(&inventory, pair, &monitor, &ignored) == 0)
        *settings_r = monitor->record.migrate;
    domm_inventory_free(&inventory);
}

void cmd_defaults_free(struct cmd_defaults *defaults)
{
    domm_config_file_free(defaults->file);
    *defaults = (struct cmd_defaults){0};
}
