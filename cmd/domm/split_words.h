/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Splits a line into words as sh does: quotes, backslash and comments, but no expansion. */
#ifndef DOMM_CMD_SPLIT_WORDS_H
#define DOMM_CMD_SPLIT_WORDS_H

#include <stddef.h>

#include "lib/base/error.h"

#define CMD_SPACE " \t\r\n"

/* What a backslash quotes in double quotes. */
#define CMD_ESCAPED_IN_QUOTES "\"\\$`"

struct cmd_words {
    size_t count;
    char **items; /* ends with a null pointer */
    char *text;   /* the items point into this */
};

/* Fails with DOMM_USAGE if a quote is not closed or the line ends with a backslash. Free *words_r
 * with cmd_words_free. */
int cmd_split_words(const char *line, struct cmd_words *words_r, struct domm_error *err);

/* Frees what cmd_split_words has allocated. */
void cmd_words_free(struct cmd_words *words);

#endif
