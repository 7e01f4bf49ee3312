/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A line of the shell, cut into words as sh does it: quotes, backslash, comments; no expansion. */
#ifndef DOMM_CMD_WORDS_H
#define DOMM_CMD_WORDS_H

#include <stddef.h>

#include "lib/base/error.h"

struct cmd_words {
    size_t count;
    char **items; /* ends with a null pointer */
    char *text;   /* what the items point into */
};

/* Fails with DOMM_USAGE on a quote that is not closed or a backslash at the end of the line.
 * *words_r is freed by cmd_words_free. */
int cmd_split_words(const char *line, struct cmd_words *words_r, struct domm_error *err);

void cmd_words_free(struct cmd_words *words);

#endif
