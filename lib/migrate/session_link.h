/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A session's use of its control link: what is sent, and what becomes of the session when the link
 * is lost. None of these fails: a link that cannot be used is lost, which is an event of the
 * session.
 */
#ifndef DOMM_MIGRATE_SESSION_LINK_H
#define DOMM_MIGRATE_SESSION_LINK_H

#include "lib/migrate/session.h"

#define DOMM_SESSION_IDLE_MS 1000 /* the longest time between two calls of domm_session_keep_link  \
                                   */

/* Ends the link, without closing its descriptors, and raises DOMM_EVENT_LOST. */
void domm_session_lose_link(struct domm_session *session, const struct domm_error *why);

/* Sends the session's first error, once; ABORT and GONE are preceded by it. */
int domm_session_send_reason(struct domm_session *session, struct domm_error *err);

/* Sends a message of the state machine, or loses the link. */
void domm_session_send(struct domm_session *session, enum domm_message_type type);

/* Flushes the link, sends a heartbeat when one is due, and loses a link whose other end is silent.
 * Returns the time until the next call in ms. */
int domm_session_keep_link(struct domm_session *session);

#endif
