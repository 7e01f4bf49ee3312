/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Drives one end of a migration: passes events to its machine, carries out the machine's actions,
 * keeps the link alive and watches the deadlines.
 */
#ifndef DOMM_MIGRATE_LOOP_H
#define DOMM_MIGRATE_LOOP_H

#include "lib/migrate/session.h"

/*
 * Runs a session until it halts; session->machine has the final state, and session->error the
 * reason if the migration did not succeed. While the targets are held because the monitor is not
 * ready, the loop continues until the monitor is ready, the administrator decides (hold_override.h)
 * or a signal arrives. Fails if nothing was begun.
 */
int domm_session_run(struct domm_session *session, const struct domm_migration_setup *setup,
                     struct domm_error *err);

#endif
