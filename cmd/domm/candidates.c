/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/domm/candidates.h"

#include <stdio.h>
#include <string.h>

#include "cmd/domm/live_candidates.h"
#include "cmd/domm/settings.h"
#include "lib/pair/config.h"

static void offer_options(struct cmd_candidates *to, const char *word,
                          const struct cmd_option *options)
{
    for (; options && options->id; options++) {
        char text[64] = "--";
        strncat(text, options->name, sizeof(text) - 3);
        cmd_candidates_add_help(to, word, text, options->help);
    }
}

static void offer_values(struct cmd_candidates *to, const char *word, const char *const *values)
{
    for (; values && *values; values++)
        cmd_candidates_add(to, word, *values);
}

static void offer_commands(struct cmd_candidates *to, const char *word, const struct cmd_row *table)
{
    for (const struct cmd_row *row = table; row->name; row++) {
        if (row->flags & CMD_INTERNAL)
            continue;
        cmd_candidates_add_help(to, word, row->name, row->summary);
        if (row->alias)
            cmd_candidates_add_help(to, word, row->alias, row->summary);
    }
}

static void offer_keys(struct cmd_candidates *to, const char *word)
{
    for (size_t i = 0; domm_config_key_name(i); i++) {
        char text[64];
        snprintf(text, sizeof(text), "%s=", domm_config_key_name(i));
        cmd_candidates_add(to, word, text);
    }
}

static void offer_settings(struct cmd_candidates *to, const char *word)
{
    for (const struct cmd_setting *setting = cmd_settings; setting->name; setting++)
        cmd_candidates_add(to, word, setting->name);
}

/* For which cmd_completion has a script. */
static const char *const shells[] = {"bash", "zsh", "fish", NULL};

static void offer_kind(struct cmd_candidates *to, const char *word, const struct cmd_row *table,
                       enum cmd_completer kind)
{
    to->kind = kind;
    cmd_live_candidates_add(to, word, kind);
    if (kind == COMPLETE_KEY)
        offer_keys(to, word);
    else if (kind == COMPLETE_COMMAND)
        offer_commands(to, word, table);
    else if (kind == COMPLETE_SHELL)
        offer_values(to, word, shells);
    else if (kind == COMPLETE_SETTING)
        offer_settings(to, word);
}

static void offer_argument(struct cmd_candidates *to, const char *word, const struct cmd_row *table,
                           const struct cmd_option *option)
{
    offer_values(to, word, option->values);
    offer_kind(to, word, table, option->completer);
}

/* For the word --OPTION=VALUE. */
static void offer_joined(struct cmd_candidates *to, const char *word, const struct cmd_row *table,
                         const struct cmd_option *options)
{
    for (; options && options->id; options++) {
        char before[64];
        int length = snprintf(before, sizeof(before), "--%s=", options->name);
        if (!options->argument || strncmp(word, before, (size_t)length) != 0)
            continue;
        offer_argument(to, word + length, table, options);
        cmd_candidates_put_before(to, before);
    }
}

/* The option that takes the next word as its argument, or null. */
static const struct cmd_option *option_awaiting(const struct cmd_option *options, const char *word)
{
    for (; options && options->id; options++) {
        if (!options->argument)
            continue;
        if (strncmp(word, "--", 2) == 0 ? strcmp(word + 2, options->name) == 0
                                        : word[strlen(word) - 1] == options->id)
            return options;
    }
    return NULL;
}

static enum cmd_completer kind_at(const struct cmd_row *row, size_t position)
{
    enum cmd_completer kind = COMPLETE_NONE;
    if (row->max_operands != CMD_ANY_NUMBER && position >= (size_t)row->max_operands)
        return COMPLETE_NONE;
    for (size_t i = 0; i <= position && i < CMD_MAX_OPERAND_KINDS; i++) {
        if (row->completers[i])
            kind = row->completers[i];
    }
    return kind;
}

/* words: those after the command's name. */
static void complete_command(struct cmd_candidates *to, const struct cmd_row *table,
                             const struct cmd_row *row, size_t n_words, char *const words[])
{
    const char *last = words[n_words - 1];
    const struct cmd_option *awaiting = NULL;
    bool options_end = false;
    size_t position = 0;
    for (size_t i = 0; i + 1 < n_words; i++) {
        bool is_option = !options_end && words[i][0] == '-' && words[i][1];
        if (awaiting) {
            awaiting = NULL;
        } else if (!is_option) {
            position++;
        } else {
            options_end = strcmp(words[i], "--") == 0;
            awaiting = option_awaiting(row->options, words[i]);
        }
    }
    if (awaiting) {
        offer_argument(to, last, table, awaiting);
    } else if (last[0] == '-' && !options_end && strchr(last, '=')) {
        offer_joined(to, last, table, row->options);
    } else if (last[0] == '-' && !options_end) {
        offer_options(to, last, row->options);
        offer_options(to, last, cmd_global_options);
    } else {
        offer_kind(to, last, table, kind_at(row, position));
    }
}

void cmd_candidates_find(const struct cmd_row *table, size_t n_words, char *const words[],
                         struct cmd_candidates *candidates_r)
{
    const struct cmd_row *row;
    struct domm_error ignored;
    size_t command = 0;
    *candidates_r = (struct cmd_candidates){0};
    if (n_words == 0)
        return;
    const char *last = words[n_words - 1];
    while (command + 1 < n_words && words[command][0] == '-')
        command++; /* no global option takes an argument */
    if (command + 1 < n_words) {
        if (cmd_lookup(table, words[command], &row, &ignored) == 0)
            complete_command(candidates_r, table, row, n_words - command - 1, words + command + 1);
    } else if (last[0] == '-') {
        offer_options(candidates_r, last, cmd_global_options);
    } else {
        offer_commands(candidates_r, last, table);
    }
}
