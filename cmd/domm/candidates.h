/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a word of an unfinished command line can become; for bash and for the shell alike. */
#ifndef DOMM_CMD_CANDIDATES_H
#define DOMM_CMD_CANDIDATES_H

#include "cmd/domm/table.h"

struct cmd_candidates {
    /* COMPLETE_FILE or COMPLETE_HOST: whoever asks knows how to complete these by itself.
     * Otherwise the items are all there is. */
    enum cmd_completer kind;
    size_t count;
    char **items;
};

/* words are what follows "domm", the last one the word to complete, maybe empty. Domains are left
 * out in silence where Xen cannot be asked. *candidates_r is freed by cmd_candidates_free. */
void cmd_candidates_find(const struct cmd_row *table, size_t n_words, char *const words[],
                         struct cmd_candidates *candidates_r);

void cmd_candidates_free(struct cmd_candidates *candidates);

#endif
