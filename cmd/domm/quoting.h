/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Quotes as cmd_split_words and sh read them: of lines that are still being typed, and of words
 * that are put into such a line. */
#ifndef DOMM_CMD_QUOTING_H
#define DOMM_CMD_QUOTING_H

#include <stdbool.h>
#include <stddef.h>

#define CMD_QUOTES "\"'"

/* What sh takes for something else than a part of a word. */
#define CMD_SPECIAL " \t\\`$&|;()<>*?[]{}!#~^" CMD_QUOTES

/* The end of a text. */
struct cmd_quoting {
    size_t word;   /* where its last word begins, or would begin */
    char quote;    /* the quote that is open, or '\0' */
    size_t inside; /* where the text in that quote begins */
    bool escaped;  /* the last character is a backslash that quotes the next one */
    bool comment;
};

/* Reads so many bytes of a text. */
void cmd_quoting_read(const char *text, size_t length, struct cmd_quoting *quoting_r);

/* A word without its quotes, of which the last may be open. The caller's to free; null if memory
 * runs out. */
char *cmd_unquote(const char *word);

/* The text as it is written in that open quote, or outside of quotes if it is '\0'. readline closes
 * an open quote behind it. The caller's to free; null if memory runs out. */
char *cmd_quote(const char *text, char open);

#endif
