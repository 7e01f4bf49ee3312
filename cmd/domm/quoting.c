/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/domm/quoting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/domm/split_words.h"
#include "lib/base/cleanup.h"

static bool escapes(const struct cmd_quoting *quoting, char next)
{
    return !quoting->quote || (quoting->quote == '"' && strchr(CMD_ESCAPED_IN_QUOTES, next));
}

void cmd_quoting_read(const char *text, size_t length, struct cmd_quoting *quoting_r)
{
    struct cmd_quoting at = {0};
    for (size_t i = 0; i < length && !at.comment; i++) {
        char c = text[i];
        if (at.escaped) {
            at.escaped = false;
        } else if (c == '\\') {
            at.escaped = escapes(&at, i + 1 < length ? text[i + 1] : '\0');
        } else if (at.quote) {
            at.quote = c == at.quote ? '\0' : at.quote;
        } else if (strchr(CMD_QUOTES, c)) {
            at.quote = c;
            at.inside = i + 1;
        } else if (strchr(CMD_SPACE, c)) {
            at.word = i + 1;
        } else {
            at.comment = c == '#' && i == at.word;
        }
    }
    *quoting_r = at;
}

char *cmd_unquote(const char *word)
{
    struct cmd_quoting quoting;
    struct cmd_words words;
    struct domm_error ignored;
    cleanup_free char *closed = NULL;
    cmd_quoting_read(word, strlen(word), &quoting);
    if (asprintf(&closed, "%s%.1s", word, &quoting.quote) < 0)
        closed = NULL;
    if (!closed || cmd_split_words(closed, &words, &ignored))
        return strdup(word);
    char *plain = strdup(words.count ? words.items[0] : word);
    cmd_words_free(&words);
    return plain;
}

/* A character that cannot be written in that quote. An interactive bash takes ! in double quotes
 * for its history. */
static bool cannot_be_in(char c, char open)
{
    return open == '\'' ? c == open : open == '"' && c == '!';
}

char *cmd_quote(const char *text, char open)
{
    const char *special = open == '"' ? CMD_ESCAPED_IN_QUOTES : open ? "" : CMD_SPECIAL;
    char *quoted = malloc(4 * strlen(text) + 1), *to = quoted;
    for (; quoted && *text; text++) {
        /* readline closes no quote behind one. */
        bool closed = open && *text == open && !text[1];
        bool outside = closed || cannot_be_in(*text, open);
        if (outside)
            *to++ = open;
        if (outside || strchr(special, *text))
            *to++ = '\\';
        *to++ = *text;
        if (outside && !closed)
            *to++ = open;
    }
    if (quoted)
        *to = '\0';
    return quoted;
}
