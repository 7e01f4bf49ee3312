/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "lib/migrate/loop_internal.h"
#include "lib/migrate/session_link.h"

void domm_loop_give(struct loop *r, const struct domm_job *job)
{
    r->looking = job->kind == DOMM_JOB_LOOK;
    if (r->in_hand) {
        r->next = *job;
        r->waiting = true;
        return;
    }
    r->in_hand = true;
    domm_worker_give(r->session->worker, job);
}

/* A step that cannot be journalled is not run as long as all can be taken back. Afterwards the
 * guests matter more than the journal; an undo is run all the same. */
static void begin_step(struct loop *r, const struct domm_action *action)
{
    struct domm_session *session = r->session;
    struct domm_error err;
    bool undo = action->type == DOMM_ACTION_UNDO;
    const struct domm_job job = {
        .kind = undo ? DOMM_JOB_UNDO : DOMM_JOB_RUN, .step = action->step, .guest = action->guest};
    int rc = domm_journal_step(session->journal, undo ? "undo" : "run", action->step, action->guest,
                               &err);
    domm_log(session->log, DOMM_LOG_DEBUG, "%s %s %u", undo ? "undo" : "run",
             domm_steps[action->step].name, action->guest);
    if (rc && (undo || !domm_migration_states[loop_state_of(r)].revocable)) {
        domm_log(session->log, DOMM_LOG_ERROR, "%s", err.text);
    } else if (rc) {
        domm_session_record_first_error(session, &err);
        domm_session_raise(session, (struct domm_event){.type = DOMM_EVENT_STEP_FAILED,
                                                        .step = action->step,
                                                        .guest = action->guest});
        return;
    }
    domm_transfers_cancel(&session->transfers, false);
    domm_loop_give(r, &job);
}

static void loop_carry_out(struct loop *r, const struct domm_machine_answer *answer)
{
    for (unsigned int i = 0; i < answer->n; i++) {
        const struct domm_action *action = &answer->actions[i];
        switch (action->type) {
        case DOMM_ACTION_RUN:
        case DOMM_ACTION_UNDO:
            begin_step(r, action);
            break;
        case DOMM_ACTION_CANCEL:
            domm_transfers_cancel(&r->session->transfers, true);
            break;
        case DOMM_ACTION_SEND:
            domm_session_send(r->session, action->message);
            break;
        case DOMM_ACTION_REPORT: /* loop_enter calls them */
            break;
        }
    }
}

/* Then the other end closes the streams, which savers and receivers take for a failure. */
static bool takes_back(enum domm_migration_state state)
{
    return state == DOMM_SRC_ABORTING ||
           domm_migration_states[state].kind == DOMM_STATE_KIND_UNDOES;
}

/* Called before any action of the new state. */
static void loop_enter(struct loop *r, enum domm_migration_state from)
{
    struct domm_session *session = r->session;
    struct domm_error err;
    r->entered_ms = r->look_ms = domm_now_ms();
    if (takes_back(loop_state_of(r)))
        domm_transfers_hush(&session->transfers);
    domm_log(session->log, DOMM_LOG_DEBUG, "%s -> %s", domm_migration_states[from].name,
             domm_migration_states[loop_state_of(r)].name);
    if (loop_state_of(r) == DOMM_SRC_HELD)
        domm_log(session->log, DOMM_LOG_WARN,
                 "the targets are held until the monitor is ready; domm release --restart or "
                 "--force decides otherwise");
    if (domm_journal_state(session->journal, loop_state_of(r), &err)) {
        domm_log(session->log, DOMM_LOG_ERROR, "%s", err.text);
        if (domm_migration_states[loop_state_of(r)].revocable) {
            domm_session_record_first_error(session, &err);
            domm_session_raise(session, (struct domm_event){.type = DOMM_EVENT_FAILED});
        }
    }
    if (loop_state_of(r) == DOMM_SRC_CLEARING)
        domm_session_send(session, DOMM_MESSAGE_AGREED);
    r->status_ms = 0;
    session->report.state = loop_state_of(r);
    session->report.unmonitored |= session->machine.unmonitored;
    session->report.restarted |= session->machine.restarted;
    if (loop_state_of(r) == DOMM_DST_UNDOING && session->link.out >= 0 &&
        domm_session_send_reason(session, &err))
        domm_session_lose_link(r->session, &err);
    if (session->callbacks && session->callbacks->state)
        session->callbacks->state(session->callbacks->context, session);
}

static void answer_signal(struct loop *r, enum domm_migration_state state, bool ignored)
{
    r->signalled = false;
    r->session->aborted |= !ignored;
    if (loop_is_held(state))
        r->dismissed = true;
    else if (ignored)
        domm_log(r->session->log, DOMM_LOG_WARN,
                 "too late to abort: the guests are being handed over or rolled back");
}

static void handle(struct loop *r, const struct domm_event *event)
{
    struct domm_machine_answer answer;
    enum domm_migration_state before = loop_state_of(r);
    domm_machine_handle(&r->session->machine, event, &answer);
    if (event->type == DOMM_EVENT_ABORT && r->signalled)
        answer_signal(r, before, answer.ignored);
    if (loop_state_of(r) != before)
        loop_enter(r, before);
    loop_carry_out(r, &answer);
}

void domm_loop_drain_events(struct loop *r)
{
    struct domm_session *session = r->session;
    while (session->n_events) {
        struct domm_event event = session->events[0];
        memmove(session->events, session->events + 1, --session->n_events * sizeof(event));
        handle(r, &event);
    }
}

void domm_loop_begin(struct loop *r, const struct domm_machine_answer *answer)
{
    loop_enter(r, r->session->machine.state);
    loop_carry_out(r, answer);
}
