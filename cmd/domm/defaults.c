/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/domm/defaults.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

int cmd_defaults_read(const struct cmd_option *options, struct cmd_defaults *defaults_r,
                      struct domm_error *err)
{
    *defaults_r = (struct cmd_defaults){0};
    for (; options->id && defaults_r->count < CMD_DEFAULTS_MAX; options++) {
        if (!options->argument)
            continue;
        struct cmd_default *item = &defaults_r->items[defaults_r->count++];
        item->option = options;
        item->parsed = (struct cmd_parsed_option){.id = options->id, .value = options->preset};
    }
    return read_defaults_file(defaults_r, err);
}

void cmd_defaults_free(struct cmd_defaults *defaults)
{
    domm_config_file_free(defaults->file);
    *defaults = (struct cmd_defaults){0};
}
