/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A list of what a word can become. */
#ifndef DOMM_CMD_CANDIDATE_LIST_H
#define DOMM_CMD_CANDIDATE_LIST_H

#include "cmd/domm/table.h"

struct cmd_candidate {
    char *text;
    const char *help; /* of a command or an option, static; otherwise null */
};

struct cmd_candidates {
    /* COMPLETE_FILE: the caller completes the names of files itself, of an option that is joined to
     * its argument behind the =. Otherwise the items are complete. */
    enum cmd_completer kind;
    size_t count;
    struct cmd_candidate *items;
};

/* Adds the text if it begins with the word, once. A text with control characters, which cannot be
 * passed on as a line, is omitted; so is any if memory runs out. */
void cmd_candidates_add(struct cmd_candidates *to, const char *word, const char *text);

/* The same with a help, which outlives the list. */
void cmd_candidates_add_help(struct cmd_candidates *to, const char *word, const char *text,
                             const char *help);

/* Puts the text before each item, such as the option that it is joined to. */
void cmd_candidates_put_before(struct cmd_candidates *candidates, const char *text);

/* Makes of each item what readline puts into the line: the raw text `before` of the word stays
 * there, and what replaces its rest is quoted, in the quote that is open behind it or, if `open` is
 * '\0', in none. */
void cmd_candidates_quote(struct cmd_candidates *candidates, const char *before, char open);

/* Frees the items and leaves none. */
void cmd_candidates_free(struct cmd_candidates *candidates);

#endif
