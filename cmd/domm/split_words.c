/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/domm/split_words.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool escapes_in_quotes(char quote, char next)
{
    return quote == '"' && next && strchr(CMD_ESCAPED_IN_QUOTES, next);
}

/* Copies one word from *in to *out, and advances both behind it. */
static int copy_word(const char **in, char **out, struct domm_error *err)
{
    char quote = '\0';
    const char *c = *in;
    char *to = *out;
    for (; *c && (quote || !strchr(CMD_SPACE, *c)); c++) {
        if (!quote && (*c == '"' || *c == '\'')) {
            quote = *c;
        } else if (*c == quote) {
            quote = '\0';
        } else if (*c == '\\' && (!quote || escapes_in_quotes(quote, c[1]))) {
            if (!*++c)
                return domm_fail(err, DOMM_USAGE, "the line ends with a backslash");
            *to++ = *c;
        } else {
            *to++ = *c;
        }
    }
    if (quote)
        return domm_fail(err, DOMM_USAGE, "missing closing %c", quote);
    *to++ = '\0';
    *in = c;
    *out = to;
    return 0;
}

int cmd_split_words(const char *line, struct cmd_words *words_r, struct domm_error *err)
{
    size_t length = strlen(line);
    /* Words are separated by blanks, so there are at most (length + 1) / 2. */
    *words_r = (struct cmd_words){
        .items = calloc(length / 2 + 2, sizeof(*words_r->items)),
        .text = malloc(length + 1),
    };
    char *out = words_r->text;
    int rc = 0;
    if (!words_r->items || !out) {
        cmd_words_free(words_r);
        return domm_no_memory(err);
    }
    while (!rc) {
        line += strspn(line, CMD_SPACE);
        if (*line == '\0' || *line == '#')
            return 0;
        words_r->items[words_r->count++] = out;
        rc = copy_word(&line, &out, err);
    }
    cmd_words_free(words_r);
    return rc;
}

void cmd_words_free(struct cmd_words *words)
{
    free(words->items);
    free(words->text);
    *words = (struct cmd_words){0};
}
