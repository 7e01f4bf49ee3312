/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Part of the preflight of either end. */
#ifndef DOMM_MIGRATE_RESTART_CHECK_H
#define DOMM_MIGRATE_RESTART_CHECK_H

#include "lib/migrate/session.h"

/* Whether a fresh monitor could be made on this host: its kernel and RAM disk are there. A restore
 * needs neither. DOMM_PREFLIGHT if the migration would restart the monitor by itself; otherwise the
 * log has a warning, since the administrator may want to. */
int domm_restart_check(struct domm_session *session, struct domm_error *err);

#endif
