/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/domm/help.h"

#include <stdio.h>
#include <string.h>

#include "cmd/domm/arguments.h"
#include "cmd/domm/commands.h"
#include "cmd/domm/output.h"

#define NAME_COLUMNS 25
#define TEXT_COLUMNS 51 /* two blanks, a name, two blanks and a text give 80 */

/* The length of the next line of a text, which ends at a blank if possible. */
static size_t line_length(const char *text)
{
    size_t length = strlen(text);
    if (length <= TEXT_COLUMNS)
        return length;
    length = TEXT_COLUMNS;
    while (length > 1 && text[length] != ' ')
        length--;
    return length;
}

/* Prints one command or option with its text, wrapped into lines. */
static void print_entry(const char *name, const char *text)
{
    while (*text) {
        size_t length = line_length(text);
        printf("  %-*s  %.*s\n", NAME_COLUMNS, name, (int)length, text);
        text += length;
        text += strspn(text, " ");
        name = "";
    }
}

static void print_options(const struct cmd_option *options)
{
    for (; options->id; options++) {
        char spelling[64];
        char letter[5] = "    ";
        if (options->id < 256)
            snprintf(letter, sizeof(letter), "-%c, ", options->id);
        snprintf(spelling, sizeof(spelling), "%s--%s%s%s", letter, options->name,
                 options->argument ? " " : "", options->argument ? options->argument : "");
        print_entry(spelling, options->help);
    }
}

void cmd_print_help(const struct cmd_row *table, bool in_shell)
{
    puts("Usage: domm [OPTION ...] COMMAND [ARGUMENT ...]\n\n"
         "Live-migrates Xen guests together with the guest that monitors them.\n\n"
         "Commands (unambiguous abbreviations are accepted):");
    for (const struct cmd_row *row = table; row->name; row++) {
        char names[64];
        snprintf(names, sizeof(names), "%s%s%s", row->name, row->alias ? ", " : "",
                 row->alias ? row->alias : "");
        if (!(row->flags & CMD_INTERNAL))
            print_entry(names, row->summary);
    }
    if (in_shell)
        print_entry("exit, quit", "leave the shell");
    puts("\nOptions, before or after the command:");
    print_options(cmd_global_options);
    puts("\n\"domm help COMMAND\" prints help on a command. The manual is domm(1).\n"
         "bash, zsh and fish complete command lines with the tab key, guests and hosts\n"
         "too; \"domm help completion\" says how to get that.");
}

void cmd_print_command_help(const struct cmd_row *row)
{
    printf("Usage: domm %s%s%s%s\n\n%s\n", row->name, row->options ? " [OPTION ...]" : "",
           *row->synopsis ? " " : "", row->synopsis, row->description);
    if (row->alias)
        printf("\n%s is another name of this command.\n", row->alias);
    if (row->options) {
        puts("\nOptions:");
        print_options(row->options);
    }
    puts("\nOptions of all commands:");
    print_options(cmd_global_options);
    if (row->page)
        printf("\nThe manual is %s.\n", row->page);
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
    if (row->alias)
        domm_json_text(command, "alias", row->alias);
    if (row->page)
        domm_json_text(command, "page", row->page);
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

static struct json_object *table_json(const struct cmd_row *table)
{
    struct json_object *root = json_object_new_object();
    struct json_object *commands = json_object_new_array();
    for (const struct cmd_row *row = table; row->name; row++)
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
        int rc = cmd_lookup(context->table, arguments->operands[0], &row, err);
        if (rc)
            return rc;
    }
    if (context->globals.json) {
        cleanup_json struct json_object *root =
            row ? command_json(row) : table_json(context->table);
        cmd_print_json(root);
    } else if (row) {
        cmd_print_command_help(row);
    } else {
        cmd_print_help(context->table, context->in_shell);
    }
    return 0;
}
