/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The administrator's decision about targets that are held because their monitor is not ready. It
 * is a file in /run/domm that is named by the monitor's UUID, for the process that holds the
 * targets.
 */
#ifndef DOMM_MIGRATE_JOURNAL_HOLD_OVERRIDE_H
#define DOMM_MIGRATE_JOURNAL_HOLD_OVERRIDE_H

#include <stdbool.h>

#include "lib/base/error.h"
#include "lib/base/uuid.h"
#include "lib/migrate/fsm/machine.h"

/* decided is DOMM_EVENT_RESTART or DOMM_EVENT_FORCE. */
int domm_hold_override_write(const struct domm_uuid *monitor, enum domm_event_type decided,
                             struct domm_error *err);

/* Reads and removes the decision, if there is one. */
bool domm_hold_override_take(const struct domm_uuid *monitor, enum domm_event_type *decided_r);

#endif
