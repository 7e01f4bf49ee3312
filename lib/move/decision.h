/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What an administrator decides about targets that are held because their domM is not ready: left
 * for the process that holds them in /run/domm, in a file that is named by domM's UUID.
 */
#ifndef DOMM_MOVE_DECISION_H
#define DOMM_MOVE_DECISION_H

#include <stdbool.h>

#include "lib/base/error.h"
#include "lib/base/uuid.h"
#include "lib/move/machine.h"

/* decided: DOMM_EVENT_RESTART or DOMM_EVENT_FORCE. */
int domm_decision_leave(const struct domm_uuid *domm, enum domm_event_type decided,
                        struct domm_error *err);

/* Takes the decision away, if there is one. */
bool domm_decision_take(const struct domm_uuid *domm, enum domm_event_type *decided_r);

#endif
