/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/migrate/session_link.h"

#include <stdio.h>

#include "lib/base/clock.h"

void domm_session_lose_link(struct domm_session *session, const struct domm_error *why)
{
    struct domm_error reason = *why;
    bool matters = domm_migration_states[session->machine.state].kind != DOMM_STATE_KIND_HALTS;
    domm_control_link_end(&session->link);
    domm_wrap(&reason, "the link to the other host is lost");
    if (matters)
        domm_log(session->log, DOMM_LOG_VERBOSE, "%s", reason.text);
    if (matters && domm_migration_states[session->machine.state].revocable)
        domm_session_record_first_error(session, &reason);
    domm_session_raise(session, (struct domm_event){.type = DOMM_EVENT_LOST});
}

/* The text and its hint, half of the room for each. */
#define ERROR_TEXT (DOMM_WIRE_ERROR_BYTES / 2 - 8)

int domm_session_send_reason(struct domm_session *session, struct domm_error *err)
{
    struct domm_message message = {.type = DOMM_MESSAGE_ERROR};
    if (session->error_sent || session->error.code == DOMM_OK)
        return 0;
    session->error_sent = true;
    message.error.code = session->error.code;
    const char *hint = session->error.hint;
    snprintf(message.error.text, sizeof(message.error.text), "%.*s%s%.*s%s", ERROR_TEXT,
             session->error.text, *hint ? " (" : "", ERROR_TEXT, hint, *hint ? ")" : "");
    return domm_control_link_send(&session->link, &message, err);
}

static int send_with_reason(struct domm_session *session, enum domm_message_type type,
                            struct domm_error *err)
{
    struct domm_message message = {.type = type};
    int rc;
    if (type == DOMM_MESSAGE_ABORT || type == DOMM_MESSAGE_GONE) {
        rc = domm_session_send_reason(session, err);
        if (rc)
            return rc;
    }
    rc = session->ops->send(session, &message, err);
    if (rc)
        return rc;
    return domm_control_link_send(&session->link, &message, err);
}

void domm_session_send(struct domm_session *session, enum domm_message_type type)
{
    struct domm_error err;
    if (session->link.out < 0 && type != DOMM_MESSAGE_HELLO) /* the source's HELLO opens the link */
        return;
    if (send_with_reason(session, type, &err))
        domm_session_lose_link(session, &err);
}

static int check_link(struct domm_control_link *link, int *timeout_ms_r, struct domm_error *err)
{
    int rc = domm_control_link_flush(link, err);
    if (rc)
        return rc;
    rc = domm_control_link_heartbeat(link, timeout_ms_r, err);
    if (rc)
        return rc;
    if (domm_now_ms() - link->received_ms > DOMM_CONTROL_LINK_SILENCE_MS)
        return domm_fail(err, DOMM_FAILED, "the other host has been silent for %d s",
                         DOMM_CONTROL_LINK_SILENCE_MS / 1000);
    return 0;
}

int domm_session_keep_link(struct domm_session *session)
{
    struct domm_control_link *link = &session->link;
    struct domm_error err;
    int timeout_ms = DOMM_SESSION_IDLE_MS;
    if (link->out >= 0 && check_link(link, &timeout_ms, &err))
        domm_session_lose_link(session, &err);
    return timeout_ms;
}
