/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Candidates that this host gives at the moment: its domains, migrations and reports, and the hosts
 * that ssh knows. */
#ifndef DOMM_CMD_LIVE_CANDIDATES_H
#define DOMM_CMD_LIVE_CANDIDATES_H

#include "cmd/domm/candidate_list.h"

/* Adds those of this kind that begin with the word; none for a kind that is not live. What cannot
 * be asked or read is omitted without an error. */
void cmd_live_candidates_add(struct cmd_candidates *to, const char *word, enum cmd_completer kind);

#endif
