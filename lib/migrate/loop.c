/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * This loop is one poll(2) and not sd-event, which would need more code: the descriptors of the
 * link, of the transfers and of the two ends change all the time, so that each turn collects them
 * anew (30 lines); with sd-event each would be a source to add and remove. The timeout of a turn
 * follows from the state.
 */
#include "lib/migrate/loop.h"

#include <poll.h>

#include "lib/migrate/job_status.h"
#include "lib/migrate/loop_internal.h"
#include "lib/migrate/ready.h"
#include "lib/migrate/session_link.h"

/* Time limits of the states. Those of rollbacks are generous: a guest that resumes late is better
 * than one that is given up. */
#define SHORT_S 60
#define MEDIUM_S 180
#define LONG_S 900

#define LOOK_MS DOMM_READY_LOOK_MS
#define LINGER_MS 60000            /* for a message that may still arrive */
#define AGREE_MS 5000              /* … that nothing depends on */
#define STATUS_MS 1000             /* from one status to the next */

static int seconds_for(const struct domm_session *session, enum domm_migration_state state)
{
    switch (state) {
    case DOMM_SRC_COPYING: /* the source has a limit of its own */
    case DOMM_SRC_STOPPING:
    case DOMM_SRC_PREPARING:
    case DOMM_DST_RECEIVING:
    case DOMM_DST_PREPARING:
    case DOMM_DST_PREPARED:
    case DOMM_SRC_UNDOING:
    case DOMM_SRC_RELEASING:
    case DOMM_SRC_CLEARING:
    case DOMM_DST_UNDOING:
        return LONG_S;
    case DOMM_SRC_AWAITING_MONITOR:
    case DOMM_DST_AWAITING_MONITOR:
        return (int)(session->offer.ready_timeout_ms / 1000) + 1;
    case DOMM_SRC_AWAITING_RESULT:
        return 2 * (int)(session->offer.ready_timeout_ms / 1000) + LONG_S;
    case DOMM_SRC_CHECKING:
    case DOMM_SRC_OFFERING:
    case DOMM_SRC_ABORTING:
    case DOMM_DST_ADMITTING:
    case DOMM_DST_STARTING:
    case DOMM_DST_RELEASING:
    case DOMM_SRC_REPLACING:
    case DOMM_DST_RENEWING:
    case DOMM_DST_GREETED:
        return MEDIUM_S;
    default:
        return SHORT_S;
    }
}

/* Returns the time to the deadline in ms. */
static int64_t check_deadline(struct loop *r)
{
    struct domm_session *session = r->session;
    struct domm_error reason;
    int seconds = seconds_for(session, loop_state_of(r));
    int64_t timeout_ms = r->entered_ms + (int64_t)seconds * 1000 - domm_now_ms();
    if (domm_migration_states[loop_state_of(r)].kind == DOMM_STATE_KIND_HALTS ||
        loop_state_of(r) == DOMM_SRC_COPYING)
        return DOMM_SESSION_IDLE_MS;
    if (timeout_ms > 0)
        return timeout_ms;
    domm_fail(&reason, DOMM_FAILED, "\"%s\" took longer than %d s",
              domm_migration_states[loop_state_of(r)].name, seconds);
    if (loop_awaits_monitor(loop_state_of(r)) && r->why.code)
        domm_fail(&reason, DOMM_FAILED, "the monitor was not ready within %d s: %s", seconds,
                  r->why.text);
    domm_log(session->log, DOMM_LOG_WARN, "%s", reason.text);
    domm_session_record_first_error(session, &reason);
    r->entered_ms = domm_now_ms();
    domm_session_raise(session, (struct domm_event){.type = DOMM_EVENT_TIMEOUT});
    return 0;
}

static void tell_status(struct loop *r)
{
    const struct domm_session_callbacks *callbacks = r->session->callbacks;
    if (domm_now_ms() < r->status_ms)
        return;
    r->status_ms = domm_now_ms() + STATUS_MS;
    domm_job_status_write(r->session);
    if (callbacks && callbacks->status)
        callbacks->status(callbacks->context, r->session, false);
}

/* A check that waits for readiness itself is repeated at once; one that fails at once is repeated
 * later. */
static void loop_look_again(struct loop *r)
{
    const struct domm_job look = {.kind = DOMM_JOB_LOOK};
    if (!loop_awaits_monitor(loop_state_of(r)) || r->in_hand || domm_now_ms() < r->look_ms)
        return;
    r->look_ms = domm_now_ms() + LOOK_MS;
    domm_loop_give(r, &look);
}

static int loop_work(void *context, const struct domm_job *job, struct domm_error *err)
{
    struct domm_session *session = context;
    switch (job->kind) {
    case DOMM_JOB_RUN:
        return session->ops->run(session, job->step, job->guest, err);
    case DOMM_JOB_UNDO:
        return session->ops->undo(session, job->step, job->guest, err);
    case DOMM_JOB_LOOK:
        break;
    }
    return session->ops->look(session, err);
}

/* Whether the loop may return. */
static bool is_over(const struct loop *r)
{
    const struct domm_session *session = r->session;
    enum domm_migration_state state = loop_state_of(r);
    if (domm_migration_states[state].kind != DOMM_STATE_KIND_HALTS || session->machine.busy ||
        r->in_hand || session->n_events)
        return false;
    if (session->link.out >= 0 && session->link.queued)
        return false;
    if (loop_is_held(state))
        return r->dismissed;
    if (state == DOMM_DST_MOVED)
        return session->link.in < 0 || session->agreed || domm_now_ms() - r->entered_ms > AGREE_MS;
    if (state == DOMM_SRC_UNKNOWN || state == DOMM_SRC_UNCONFIRMED)
        return session->link.in < 0 || domm_now_ms() - r->entered_ms > LINGER_MS;
    return true;
}

/* The loop. */

enum {
    FD_WORKER,
    FD_SIGNALS,
    FD_LINK_IN,
    FD_LINK_OUT,
    FD_OWN,
    FD_TRANSFERS,
    FDS = FD_TRANSFERS + DOMM_MAX_GUESTS
};

static void loop_collect(struct loop *r, struct pollfd fds[FDS])
{
    struct domm_session *session = r->session;
    const struct domm_control_link *link = &session->link;
    fds[FD_WORKER] = (struct pollfd){.fd = domm_worker_fd(session->worker), .events = POLLIN};
    fds[FD_SIGNALS] = (struct pollfd){.fd = session->signals, .events = POLLIN};
    fds[FD_LINK_IN] = (struct pollfd){.fd = link->in, .events = POLLIN};
    fds[FD_LINK_OUT] = (struct pollfd){.fd = link->queued ? link->out : -1, .events = POLLOUT};
    fds[FD_OWN] = (struct pollfd){.fd = session->ops->fd(session), .events = POLLIN};
    for (unsigned int guest = 0; guest < DOMM_MAX_GUESTS; guest++)
        fds[FD_TRANSFERS + guest] =
            (struct pollfd){.fd = domm_transfers_fd(&session->transfers, guest), .events = POLLIN};
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void turn(struct loop *r)
{
    struct pollfd fds[FDS];
    struct domm_session *session = r->session;
    int64_t timeout_ms = least(domm_session_keep_link(r->session), session->ops->tick(session));
    timeout_ms = least(timeout_ms, check_deadline(r));
    domm_loop_check_hold_override(r);
    domm_loop_check_abort_request(r);
    domm_loop_check_tuning(r);
    tell_status(r);
    loop_look_again(r);
    domm_loop_drain_events(r);
    if (loop_awaits_monitor(loop_state_of(r)))
        timeout_ms = least(timeout_ms, LOOK_MS);
    if (loop_awaits_monitor(loop_state_of(r)) && !r->in_hand)
        timeout_ms = least(timeout_ms, r->look_ms - domm_now_ms());
    loop_collect(r, fds);
    if (is_over(r) || poll(fds, FDS, timeout_ms > 0 ? (int)timeout_ms : 0) < 0)
        return;
    if (fds[FD_SIGNALS].revents)
        domm_loop_take_signal(r);
    domm_loop_receive_progress(r);
    domm_loop_drain_events(r);
    if (fds[FD_LINK_IN].revents)
        domm_loop_receive_messages(r);
    if (fds[FD_WORKER].revents)
        domm_loop_take_job(r);
    domm_loop_drain_events(r);
}

int domm_session_run(struct domm_session *session, const struct domm_migration_setup *setup,
                     struct domm_error *err)
{
    struct loop r = {.session = session};
    struct domm_machine_answer answer;
    int rc = domm_worker_start(loop_work, session, &session->worker, err);
    if (rc)
        return rc;
    domm_machine_begin(&session->machine, setup, &answer);
    domm_loop_begin(&r, &answer);
    while (!is_over(&r))
        turn(&r);
    session->report.total = domm_session_now(session);
    domm_job_status_remove(session);
    if (domm_machine_is_complete(&session->machine))
        domm_journal_finish(session->journal);
    return 0;
}
