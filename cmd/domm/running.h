/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DOMM_CMD_RUNNING_H
#define DOMM_CMD_RUNNING_H

#include "lib/migrate/journal/facts.h"

/* Finds the migration that is under way on this host (at_source: from this host) and that the text
 * names: by its UUID, or by the name or UUID of one of its guests. DOMM_NOT_FOUND. */
int cmd_running_find(const char *text, bool at_source, struct domm_journal_facts *facts_r,
                     struct domm_error *err);

#endif
