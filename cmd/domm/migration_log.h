/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One entry of the host's log for each migration, at both ends: in the journal with fields to
 * search by, otherwise in syslog. domm-migrate(1) describes the fields.
 */
#ifndef DOMM_CMD_MIGRATION_LOG_H
#define DOMM_CMD_MIGRATION_LOG_H

#include "lib/migrate/session.h"

/* systemd.journal-fields(7): names this kind of entry. */
#define CMD_MIGRATION_MESSAGE_ID "8e1b7bd2f2ae4c1e93b2d3a0c5f7416d"

/* Logs how the session ended at this end. It does nothing if no guest is known yet. A log that
 * cannot be written is no failure of the migration. */
void cmd_migration_log(const struct domm_session *session);

#endif
