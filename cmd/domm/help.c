/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/domm/help.h"

#include <stdio.h>

#include "cmd/domm/arguments.h"
#include "cmd/domm/commands.h"
#include "cmd/domm/output.h"

static void print_options(const struct cmd_option *options)
{
    for (; options->id; options++) {
        char spelling[64];
        char letter[5] = "    ";
        if (options->id < 256)
            snprintf(letter, sizeof(letter), "-%c, ", options->id);
        snprintf(spelling, sizeof(spelling), "%s--%s%s%s", letter, options->name,
                 options->argument ? " " : "", options->argument ? options->argument : "");
        printf("  %-22s %s\n", spelling, options->help);
    }
}

void cmd_print_help(void)
{
    puts("Usage: domm [OPTION ...] COMMAND [ARGUMENT ...]\n\n"
         "Moves a monitored guest and the guest that monitors it together, on Xen.\n\n"
         "Commands, of which the beginning is enough where it is clear:");
    for (const struct cmd_row *row = cmd_table; row->name; row++) {
        if (!(row->flags & CMD_INTERNAL))
            printf("  %-22s %s\n", row->name, row->summary);
    }
    puts("\nOptions, before or after the command:");
    print_options(cmd_global_options);
    puts("\ndomm help COMMAND says more of a command, domm(1) all of it.");
}

void cmd_print_command_help(const struct cmd_row *row)
{
    printf("Usage: domm %s%s%s%s\n\n%s\n", row->name, row->options ? " [OPTION ...]" : "",
           *row->synopsis ? " " : "", row->synopsis, row->description);
    if (row->options) {
        puts("\nOptions:");
        print_options(row->options);
    }
    puts("\nOptions of all commands:");
    print_options(cmd_global_options);
}

static struct json_object *options_json(const struct cmd_option *options)
{
    struct json_object *list = json_object_new_array();
    for (; options && options->id; options++) {
        struct json_object *option = json_object_new_object();
        char letter[2] = {(char)options->id, 0};
        domm_json_text(option, "name", options->name);
        if (options->id < 256)
            domm_json_text(option, "letter", letter);
        if (options->argument)
            domm_json_text(option, "argument", options->argument);
        domm_json_text(option, "help", options->help);
        json_object_array_add(list, option);
    }
    return list;
}

static struct json_object *command_json(const struct cmd_row *row)
{
    struct json_object *command = json_object_new_object();
    domm_json_text(command, "name", row->name);
    domm_json_text(command, "synopsis", row->synopsis);
    domm_json_text(command, "summary", row->summary);
    domm_json_text(command, "description", row->description);
    json_object_object_add(command, "options", options_json(row->options));
    domm_json_bool(command, "changes", row->flags & CMD_CHANGES);
    domm_json_bool(command, "dry_run", row->flags & CMD_DRY_RUN);
    domm_json_bool(command, "internal", row->flags & CMD_INTERNAL);
    domm_json_bool(command, "needs_xen", row->flags & CMD_NEEDS_XEN);
    return command;
}

static struct json_object *exit_codes_json(void)
{
    struct json_object *codes = json_object_new_array();
    for (int code = 0; code < DOMM_CODES; code++) {
        struct json_object *entry = json_object_new_object();
        domm_json_number(entry, "code", (uint64_t)code);
        domm_json_text(entry, "meaning", domm_code_meaning((enum domm_code)code));
        json_object_array_add(codes, entry);
    }
    return codes;
}

static struct json_object *table_json(void)
{
    struct json_object *root = json_object_new_object();
    struct json_object *commands = json_object_new_array();
    for (const struct cmd_row *row = cmd_table; row->name; row++)
        json_object_array_add(commands, command_json(row));
    json_object_object_add(root, "commands", commands);
    json_object_object_add(root, "global_options", options_json(cmd_global_options));
    json_object_object_add(root, "exit_codes", exit_codes_json());
    return root;
}

int cmd_help(struct cmd_context *context, const struct cmd_arguments *arguments,
             struct domm_error *err)
{
    const struct cmd_row *row = NULL;
    if (arguments->n_operands) {
        int rc = cmd_lookup(cmd_table, arguments->operands[0], &row, err);
        if (rc)
            return rc;
    }
    if (context->globals.json) {
        cleanup_json struct json_object *root = row ? command_json(row) : table_json();
        cmd_print_json(root);
    } else if (row) {
        cmd_print_command_help(row);
    } else {
        cmd_print_help();
    }
    return 0;
}
