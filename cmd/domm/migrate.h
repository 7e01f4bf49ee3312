/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What other commands use of the command migrate. */
#ifndef DOMM_CMD_MIGRATE_H
#define DOMM_CMD_MIGRATE_H

#include "cmd/domm/table.h"
#include "lib/migrate/fsm/state.h"

/* The preflight of `domm migrate PAIR HOST`, as -N runs it, without output. *reached_r is the state
 * in which it ended: DOMM_SRC_CHECKING, GREETING or OFFERING. Fails with what migrate would. */
int cmd_migrate_preflight(struct cmd_context *context, const char *pair, const char *host,
                          enum domm_migration_state *reached_r, struct domm_error *err);

#endif
