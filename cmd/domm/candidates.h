/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Completions of the last word of a command line, for the shells and for domm's own. */
#ifndef DOMM_CMD_CANDIDATES_H
#define DOMM_CMD_CANDIDATES_H

#include "cmd/domm/candidate_list.h"

/* words: those after "domm"; the last one, which may be empty, is completed. Where Xen cannot be
 * asked, domains are omitted without an error. Free *candidates_r with cmd_candidates_free. */
void cmd_candidates_find(const struct cmd_row *table, size_t n_words, char *const words[],
                         struct cmd_candidates *candidates_r);

#endif
