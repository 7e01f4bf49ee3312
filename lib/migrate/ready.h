/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether the monitor of a session is ready, by measurement (lib/pair/status.h), and waiting for it
 * while its targets stand still: each wait ends by an event, the agent's answer or a change of a
 * network device.
 */
#ifndef DOMM_MIGRATE_READY_H
#define DOMM_MIGRATE_READY_H

#include "lib/migrate/session.h"

/* From the beginning of one look to that of the next, at least. */
#define DOMM_READY_LOOK_MS 500

/* How long a look waits for devices, once the agent has answered. */
#define DOMM_READY_DEVICES_MS 2000

/* Asks the agent, before its monitor runs: the word is there when the agent looks first. It is
 * fresh, and the monitor cannot have seen it before it was paused, so the answer proves as much as
 * if it were asked later. A failure leaves the question to the look. */
void domm_ready_ask(struct domm_session *session);

/* Whether the pair is monitored now; DOMM_PREFLIGHT, and why, if it is not. */
int domm_ready_check(struct domm_session *session, struct domm_error *err);

/* One look: the same, but the agent's answer is waited for, and then the devices, if nothing else
 * is lacking. The agent is asked once, so its answer may be DOMM_READY_DEVICES_MS old in the end;
 * it is younger than the monitor's start here. Devices are measured again whenever one has changed.
 */
int domm_ready_look(struct domm_session *session, struct domm_error *err);

#endif
