/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/domm/candidate_list.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/domm/quoting.h"
#include "lib/base/cleanup.h"

static bool has_candidate(const struct cmd_candidates *list, const char *text)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i].text, text) == 0)
            return true;
    }
    return false;
}

static bool has_controls(const char *text)
{
    for (; *text; text++) {
        if (iscntrl((unsigned char)*text))
            return true;
    }
    return false;
}

void cmd_candidates_add_help(struct cmd_candidates *to, const char *word, const char *text,
                             const char *help)
{
    if (!*text || strncmp(text, word, strlen(word)) != 0 || has_controls(text) ||
        has_candidate(to, text))
        return;
    struct cmd_candidate *items = realloc(to->items, (to->count + 1) * sizeof(*items));
    if (!items)
        return;
    to->items = items;
    to->items[to->count] = (struct cmd_candidate){strdup(text), help};
    if (to->items[to->count].text)
        to->count++;
}

void cmd_candidates_add(struct cmd_candidates *to, const char *word, const char *text)
{
    cmd_candidates_add_help(to, word, text, NULL);
}

/* Takes over the text, unless it is null for want of memory. */
static void replace_item(char **item, char *text)
{
    if (!text)
        return;
    free(*item);
    *item = text;
}

void cmd_candidates_put_before(struct cmd_candidates *candidates, const char *text)
{
    for (size_t i = 0; i < candidates->count; i++) {
        char *longer;
        if (asprintf(&longer, "%s%s", text, candidates->items[i].text) >= 0)
            replace_item(&candidates->items[i].text, longer);
    }
}

void cmd_candidates_quote(struct cmd_candidates *candidates, const char *before, char open)
{
    cleanup_free char *plain = cmd_unquote(before);
    size_t kept = plain ? strlen(plain) : 0;
    for (size_t i = 0; i < candidates->count; i++) {
        const char *item = candidates->items[i].text;
        if (strlen(item) >= kept)
            replace_item(&candidates->items[i].text, cmd_quote(item + kept, open));
    }
}

void cmd_candidates_free(struct cmd_candidates *candidates)
{
    for (size_t i = 0; i < candidates->count; i++)
        free(candidates->items[i].text);
    free(candidates->items);
    *candidates = (struct cmd_candidates){0};
}
