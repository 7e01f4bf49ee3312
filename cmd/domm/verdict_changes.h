/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Verdicts that have changed since the last look for changes: each is logged on this host, and its
 * hook is run. domm-monitor-status(1) and domm-hooks(5) describe them.
 */
#ifndef DOMM_CMD_VERDICT_CHANGES_H
#define DOMM_CMD_VERDICT_CHANGES_H

#include "lib/base/log.h"
#include "lib/pair/survey.h"

/* systemd.journal-fields(7): names this kind of entry. */
#define CMD_VERDICT_MESSAGE_ID "3f0f5a5bd2c94c0c8b6d4e7a1c92e0b4"

/* Compares the survey, which must be of all monitors, with the verdicts kept in the run directory,
 * and keeps its own. A hook that fails is logged. While another process does this, it does nothing
 * but warn. */
int cmd_verdict_changes_tell(const struct domm_survey *survey, struct domm_log *log,
                             struct domm_error *err);

#endif
