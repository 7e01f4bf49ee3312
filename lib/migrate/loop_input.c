/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "lib/migrate/journal/abort_request.h"
#include "lib/migrate/journal/hold_override.h"
#include "lib/migrate/loop_internal.h"
#include "lib/migrate/session_link.h"

#define HELD_LOOK_MS                                                                               \
    3000 /* from the end of one look at the monitor to the next, once it was given up */

/* The link. */

static bool drives_machine(enum domm_message_type type)
{
    return type > DOMM_MESSAGE_NONE && type < DOMM_MACHINE_MESSAGES;
}

static void take_error(struct domm_session *session, const struct domm_message_error *error)
{
    struct domm_error reason;
    domm_fail(&reason, error->code, "the other host: %s", error->text);
    domm_session_record_first_error(session, &reason);
    session->error_sent = true; /* the other end knows the reason */
}

static void take_message(struct loop *r, const struct domm_message *message)
{
    struct domm_session *session = r->session;
    struct domm_error err;
    if (message->type == DOMM_MESSAGE_ERROR)
        take_error(session, &message->error);
    if (message->type == DOMM_MESSAGE_AGREED) {
        session->agreed = true;
        domm_journal_agree(session->journal);
    }
    if (message->type == DOMM_MESSAGE_HEARTBEAT || message->type == DOMM_MESSAGE_ERROR ||
        message->type == DOMM_MESSAGE_AGREED)
        return;
    if (session->ops->receive(session, message, &err)) {
        domm_session_record_first_error(session, &err);
        domm_session_raise(session, (struct domm_event){.type = DOMM_EVENT_FAILED});
        return;
    }
    if (drives_machine(message->type))
        domm_session_raise(
            session, (struct domm_event){.type = DOMM_EVENT_MESSAGE, .message = message->type});
}

void domm_loop_receive_messages(struct loop *r)
{
    struct domm_control_link *link = &r->session->link;
    struct domm_message message;
    struct domm_error err;
    bool got = true;
    while (got && link->in >= 0) {
        if (domm_control_link_receive(link, &message, &got, &err)) {
            domm_session_lose_link(r->session, &err);
            return;
        }
        if (got)
            take_message(r, &message);
        domm_loop_drain_events(r);
    }
}

/* The worker. */

static void take_look(struct loop *r, const struct domm_job *job)
{
    struct domm_session *session = r->session;
    if (loop_is_held(loop_state_of(r)))
        r->look_ms = domm_now_ms() + HELD_LOOK_MS;
    r->why = job->err;
    if (job->rc == 0)
        domm_session_raise(session, (struct domm_event){.type = DOMM_EVENT_READY});
    else
        domm_log(session->log, DOMM_LOG_VERBOSE, "not ready yet: %s", job->err.text);
}

static void take_step(struct loop *r, const struct domm_job *job)
{
    struct domm_session *session = r->session;
    if (job->rc) {
        struct domm_error reason = job->err;
        domm_wrap(&reason, "%s%s: %s", job->kind == DOMM_JOB_UNDO ? "undoing " : "",
                  domm_steps[job->step].name, session->guests[job->guest].facts.name);
        domm_log(session->log, job->kind == DOMM_JOB_UNDO ? DOMM_LOG_ERROR : DOMM_LOG_VERBOSE, "%s",
                 reason.text);
        if (!session->machine.cancelled)
            domm_session_record_first_error(session, &reason);
    }
    domm_session_raise(session, (struct domm_event){.type = job->rc ? DOMM_EVENT_STEP_FAILED
                                                                    : DOMM_EVENT_STEP_DONE,
                                                    .step = job->step,
                                                    .guest = job->guest});
}

void domm_loop_take_job(struct loop *r)
{
    struct domm_job job;
    if (!domm_worker_take(r->session->worker, &job))
        return;
    r->in_hand = false;
    if (job.kind == DOMM_JOB_LOOK)
        take_look(r, &job);
    else
        take_step(r, &job);
    if (r->waiting) {
        r->waiting = false;
        domm_loop_give(r, &r->next);
    }
}

/* Savers and receivers. */

static void take_progress(struct loop *r, unsigned int guest, const struct domm_progress *progress)
{
    struct domm_session *session = r->session;
    const unsigned int well = 1u << DOMM_PROGRESS_SENT | 1u << DOMM_PROGRESS_RESTORED;
    const unsigned int received = session->transfers.each[guest].received;
    struct domm_error reason;
    session->ops->progress(session, guest, progress);
    if (session->callbacks && session->callbacks->progress)
        session->callbacks->progress(session->callbacks->context, session, guest, progress);
    bool died =
        progress->kind == DOMM_PROGRESS_ENDED && !(received & (well | 1u << DOMM_PROGRESS_FAILED));
    if (progress->kind != DOMM_PROGRESS_FAILED && !died)
        return;
    domm_fail(&reason, died ? DOMM_FAILED : progress->code, "%s: %s",
              session->guests[guest].facts.name,
              died ? "its saver or receiver has died" : progress->text);
    if (!domm_migration_states[loop_state_of(r)].revocable) /* the process no longer matters */
        return;
    if (!session->machine.cancelled)
        domm_session_record_first_error(session, &reason);
    domm_session_raise(session, (struct domm_event){.type = DOMM_EVENT_FAILED, .guest = guest});
}

void domm_loop_receive_progress(struct loop *r)
{
    struct domm_progress progress;
    for (unsigned int guest = 0; guest < domm_session_guest_count(r->session); guest++) {
        /* What does not find room is read the next time. */
        while (r->session->n_events < DOMM_SESSION_EVENTS / 2 &&
               domm_transfers_receive(&r->session->transfers, guest, &progress))
            take_progress(r, guest, &progress);
    }
}

/* Signals and decisions. */

void domm_loop_take_signal(struct loop *r)
{
    struct signalfd_siginfo info;
    struct domm_session *session = r->session;
    struct domm_error reason;
    if (read(session->signals, &info, sizeof(info)) != sizeof(info))
        return;
    if (info.ssi_signo == SIGUSR1) {
        if (session->callbacks && session->callbacks->status)
            session->callbacks->status(session->callbacks->context, session, true);
        return;
    }
    domm_fail(&reason, DOMM_ABORTED, "interrupted");
    r->signalled = true;
    if (domm_migration_states[loop_state_of(r)].revocable)
        domm_session_record_first_error(session, &reason);
    domm_session_raise(session, (struct domm_event){.type = DOMM_EVENT_ABORT});
}

/* By `domm abort` at either host, or by the other host's recovery. */
void domm_loop_check_abort_request(struct loop *r)
{
    struct domm_session *session = r->session;
    struct domm_error reason;
    if (!domm_abort_request_take(&session->offer.migration))
        return;
    if (!domm_migration_states[loop_state_of(r)].revocable) {
        domm_log(session->log, DOMM_LOG_WARN, "an abort was requested too late");
        return;
    }
    domm_fail(&reason, DOMM_ABORTED, "an abort was requested");
    domm_session_record_first_error(session, &reason);
    session->aborted = true;
    domm_session_raise(session, (struct domm_event){.type = DOMM_EVENT_ABORT});
}

void domm_loop_check_tuning(struct loop *r)
{
    struct domm_session *session = r->session;
    uint64_t value;
    for (enum domm_tuning tuning = 0; session->ops->tune && tuning < DOMM_TUNINGS; tuning++) {
        /* A later limit of the downtime decides nothing: who asks for it is not answered. */
        if (tuning == DOMM_TUNING_MAX_DOWNTIME && loop_state_of(r) > DOMM_SRC_COPYING)
            continue;
        if (domm_tuning_take(&session->offer.migration, tuning, &value))
            session->ops->tune(session, tuning, value);
    }
}

void domm_loop_check_hold_override(struct loop *r)
{
    enum domm_event_type decided;
    if (loop_is_held(loop_state_of(r)) && !r->in_hand &&
        domm_hold_override_take(&r->session->guests[0].facts.uuid, &decided))
        domm_session_raise(r->session, (struct domm_event){.type = decided});
}
