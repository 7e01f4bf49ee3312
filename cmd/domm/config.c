/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Prints what holds, and where it comes from. */
#include <stdio.h>

#include "cmd/domm/commands.h"
#include "cmd/domm/defaults.h"
#include "cmd/domm/output.h"

static void config_print_text(const struct cmd_defaults *defaults)
{
    for (size_t i = 0; i < defaults->count; i++) {
        const struct cmd_default *item = &defaults->items[i];
        char key[64];
        cmd_defaults_key(item->option, key, sizeof(key));
        if (item->parsed.value)
            printf("%s = \"%s\"  # %s\n", key, item->parsed.value,
                   item->where ? item->where : "built in");
        else
            printf("# %s is not set\n", key);
    }
}

static void config_print_json(const struct cmd_defaults *defaults)
{
    cleanup_json struct json_object *root = json_object_new_object();
    struct json_object *list = json_object_new_array();
    for (size_t i = 0; i < defaults->count; i++) {
        const struct cmd_default *item = &defaults->items[i];
        struct json_object *setting = json_object_new_object();
        char key[64];
        cmd_defaults_key(item->option, key, sizeof(key));
        domm_json_text(setting, "key", key);
        json_object_object_add(setting, "value",
                               item->parsed.value ? json_object_new_string(item->parsed.value)
                                                  : NULL);
        json_object_object_add(setting, "where",
                               item->where ? json_object_new_string(item->where) : NULL);
        json_object_array_add(list, setting);
    }
    domm_json_text(root, "file", cmd_defaults_path());
    json_object_object_add(root, "settings", list);
    cmd_print_json(root);
}

int cmd_config(struct cmd_context *context, const struct cmd_arguments *arguments,
               struct domm_error *err)
{
    struct cmd_defaults defaults;
    struct domm_settings of_pair = {0};
    if (arguments->n_operands)
        cmd_settings_read(arguments->operands[0], &of_pair);
    int rc = cmd_defaults_read(cmd_migrate_options, &defaults, err);
    if (!rc)
        rc = cmd_defaults_override(&defaults, &of_pair, err);
    if (!rc && context->globals.json)
        config_print_json(&defaults);
    else if (!rc)
        config_print_text(&defaults);
    cmd_defaults_free(&defaults);
    return rc;
}
