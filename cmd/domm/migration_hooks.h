/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The hooks of a migration, at both ends. domm-hooks(5) describes them. */
#ifndef DOMM_CMD_MIGRATION_HOOKS_H
#define DOMM_CMD_MIGRATION_HOOKS_H

#include "lib/migrate/session.h"

struct cmd_migration_hooks {
    struct domm_session_gate gate; /* for session->gate */
    bool begun;                    /* pre-migrate has been run */
};

/* Prepares the hooks, which must live as long as the session. */
void cmd_migration_hooks_begin(struct cmd_migration_hooks *hooks_r);

/* Once the migration is over at this end: runs post-migrate or rolled-back, unless pre-migrate was
 * not run. Unlocks the guests first if nothing is left to recover. What goes wrong is logged. */
void cmd_migration_hooks_end(struct cmd_migration_hooks *hooks, struct domm_session *session);

#endif
