/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/domm/candidates.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/xen/domain.h"
#include "lib/xen/xen.h"

/* Adds the text if the word to complete is its beginning. Short of memory there is one fewer. */
static void offer(struct cmd_candidates *to, const char *word, const char *text)
{
    if (strncmp(text, word, strlen(word)) != 0)
        return;
    char **items = realloc(to->items, (to->count + 1) * sizeof(*items));
    if (!items)
        return;
    to->items = items;
    to->items[to->count] = strdup(text);
    if (to->items[to->count])
        to->count++;
}

static void offer_options(struct cmd_candidates *to, const char *word,
                          const struct cmd_option *options)
{
    for (; options && options->id; options++) {
        char text[64] = "--";
        strncat(text, options->name, sizeof(text) - 3);
        offer(to, word, text);
    }
}

static void offer_values(struct cmd_candidates *to, const char *word, const char *const *values)
{
    for (; values && *values; values++)
        offer(to, word, *values);
}

static void offer_commands(struct cmd_candidates *to, const char *word, const struct cmd_row *table)
{
    for (const struct cmd_row *row = table; row->name; row++) {
        if (!(row->flags & CMD_INTERNAL))
            offer(to, word, row->name);
    }
}

static void offer_domains(struct cmd_candidates *to, const char *word)
{
    struct domm_log silent;
    struct domm_xen *xen;
    struct domm_domain *domains;
    size_t count;
    struct domm_error ignored;
    domm_log_init(&silent, stderr, "domm");
    silent.minimum = DOMM_LOG_LEVELS;
    if (domm_xen_open(&silent, &xen, &ignored))
        return;
    if (domm_xen_domains(xen, &domains, &count, &ignored) == 0) {
        for (size_t i = 0; i < count; i++)
            offer(to, word, domains[i].name);
        domm_domains_free(domains, count);
    }
    domm_xen_close(xen);
}

static void offer_kind(struct cmd_candidates *to, const char *word, const struct cmd_row *table,
                       enum cmd_completer kind)
{
    to->kind = kind;
    if (kind == COMPLETE_DOMAIN)
        offer_domains(to, word);
    else if (kind == COMPLETE_COMMAND)
        offer_commands(to, word, table);
    else if (kind == COMPLETE_SHELL)
        offer(to, word, "bash");
}

/* The option whose argument is the next word, or null. */
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

static enum cmd_completer kind_at(const struct cmd_row *row, size_t place)
{
    enum cmd_completer kind = COMPLETE_NONE;
    if (row->max_operands != CMD_ANY_NUMBER && place >= (size_t)row->max_operands)
        return COMPLETE_NONE;
    for (size_t i = 0; i <= place && i < CMD_MAX_OPERAND_KINDS; i++) {
        if (row->completers[i])
            kind = row->completers[i];
    }
    return kind;
}

/* words are what follows the command's name. */
static void complete_command(struct cmd_candidates *to, const struct cmd_row *table,
                             const struct cmd_row *row, size_t n_words, char *const words[])
{
    const char *last = words[n_words - 1];
    const struct cmd_option *awaiting = NULL;
    bool options_end = false;
    size_t place = 0;
    for (size_t i = 0; i + 1 < n_words; i++) {
        bool is_option = !options_end && words[i][0] == '-' && words[i][1];
        if (awaiting) {
            awaiting = NULL;
        } else if (!is_option) {
            place++;
        } else {
            options_end = strcmp(words[i], "--") == 0;
            awaiting = option_awaiting(row->options, words[i]);
        }
    }
    if (awaiting) {
        offer_values(to, last, awaiting->values);
    } else if (last[0] == '-' && !options_end) {
        offer_options(to, last, row->options);
        offer_options(to, last, cmd_global_options);
    } else {
        offer_kind(to, last, table, kind_at(row, place));
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

void cmd_candidates_free(struct cmd_candidates *candidates)
{
    for (size_t i = 0; i < candidates->count; i++)
        free(candidates->items[i]);
    free(candidates->items);
    *candidates = (struct cmd_candidates){0};
}
