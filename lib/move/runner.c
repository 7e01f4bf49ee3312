/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/move/runner.h"

#include <poll.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "lib/move/decision.h"

/* How long each state may take at most. Rollbacks are given more than they need: a guest that is
 * late is better than one that is given up. */
#define SHORT_S 60
#define MEDIUM_S 180
#define LONG_S 900

#define LOOK_MS 500       /* between looks whether domM is ready */
#define HELD_LOOK_MS 3000 /* … once that was given up */
#define LINGER_MS 60000   /* for a word that may yet come */
#define IDLE_MS 1000

struct runner {
    struct domm_end *end;
    bool in_hand; /* the worker has a job */
    bool looking; /* and it is a look */
    bool waiting; /* a job waits for a look to end */
    struct domm_job next;
    int64_t entered_ms, look_ms;
    struct domm_error why; /* domM was not ready */
    bool signalled;        /* an interrupt is to be handled */
    bool dismissed;        /* one came while the targets are held */
};

static int seconds_for(const struct domm_end *end, enum domm_move_state state)
{
    switch (state) {
    case DOMM_SRC_COPYING: /* the limit is the end's own */
    case DOMM_SRC_STOPPING:
    case DOMM_SRC_HANDING:
    case DOMM_DST_RECEIVING:
    case DOMM_DST_PREPARING:
    case DOMM_DST_PREPARED:
    case DOMM_SRC_UNDOING:
    case DOMM_SRC_RELEASING:
    case DOMM_SRC_CLEARING:
    case DOMM_DST_UNDOING:
        return LONG_S;
    case DOMM_SRC_AWAITING:
    case DOMM_DST_AWAITING:
        return (int)(end->offer.ready_timeout_ms / 1000) + 1;
    case DOMM_SRC_WATCHING:
        return 2 * (int)(end->offer.ready_timeout_ms / 1000) + LONG_S;
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

static enum domm_move_state state_of(const struct runner *r)
{
    return r->end->machine.state;
}

static bool is_held(enum domm_move_state state)
{
    return state == DOMM_SRC_HELD || state == DOMM_DST_HELD;
}

static bool awaits_domm(enum domm_move_state state)
{
    return state == DOMM_SRC_AWAITING || state == DOMM_DST_AWAITING || is_held(state);
}

/* The link is of no more use. */
static void hang_up(struct runner *r)
{
    domm_peer_end(&r->end->peer);
}

static void lose_link(struct runner *r, const struct domm_error *why)
{
    struct domm_end *end = r->end;
    struct domm_error reason = *why;
    bool matters = domm_states[state_of(r)].kind != DOMM_STATE_RESTS;
    hang_up(r);
    domm_wrap(&reason, "the link to the other host is lost");
    if (matters)
        domm_log(end->log, DOMM_LOG_VERBOSE, "%s", reason.text);
    if (matters && domm_states[state_of(r)].revocable)
        domm_end_blame(end, &reason);
    domm_end_raise(end, (struct domm_event){.type = DOMM_EVENT_LOST});
}

/* With what to do about it, which the administrator reads at the other host. */
#define ERROR_TEXT (DOMM_WIRE_ERROR_BYTES / 2 - 8)

/* Why this end gives up, before it says that it does. */
static int say_why(struct domm_end *end, struct domm_error *err)
{
    struct domm_wire message = {.type = DOMM_MESSAGE_ERROR};
    if (end->told || end->error.code == DOMM_OK)
        return 0;
    end->told = true;
    message.error.code = end->error.code;
    const char *hint = end->error.hint;
    snprintf(message.error.text, sizeof(message.error.text), "%.*s%s%.*s%s", ERROR_TEXT,
             end->error.text, *hint ? " (" : "", ERROR_TEXT, hint, *hint ? ")" : "");
    return domm_peer_say(&end->peer, &message, err);
}

static void say(struct runner *r, enum domm_message type)
{
    struct domm_end *end = r->end;
    struct domm_wire message = {.type = type};
    struct domm_error err;
    int rc = 0;
    if (end->peer.out < 0 && type != DOMM_MESSAGE_HELLO) /* with which the source makes the link */
        return;
    if (type == DOMM_MESSAGE_ABORT || type == DOMM_MESSAGE_GONE)
        rc = say_why(end, &err);
    rc = rc ? rc : end->ops->say(end, &message, &err);
    rc = rc ? rc : domm_peer_say(&end->peer, &message, &err);
    if (rc)
        lose_link(r, &err);
}

static void give(struct runner *r, const struct domm_job *job)
{
    r->looking = job->kind == DOMM_JOB_LOOK;
    if (r->in_hand) {
        r->next = *job;
        r->waiting = true;
        return;
    }
    r->in_hand = true;
    domm_worker_give(r->end->worker, job);
}

/* A step that cannot be written down is not begun; undoing it is done all the same. */
static void begin_step(struct runner *r, const struct domm_action *action)
{
    struct domm_end *end = r->end;
    struct domm_error err;
    bool undo = action->type == DOMM_ACTION_UNDO;
    const struct domm_job job = {
        .kind = undo ? DOMM_JOB_UNDO : DOMM_JOB_RUN, .step = action->step, .guest = action->guest};
    int rc =
        domm_journal_step(end->journal, undo ? "undo" : "run", action->step, action->guest, &err);
    domm_log(end->log, DOMM_LOG_DEBUG, "%s %s %u", undo ? "undo" : "run",
             domm_steps[action->step].name, action->guest);
    if (rc && !undo) {
        domm_end_blame(end, &err);
        domm_end_raise(end, (struct domm_event){.type = DOMM_EVENT_STEP_FAILED,
                                                .step = action->step,
                                                .guest = action->guest});
        return;
    }
    domm_movers_cancel(&end->movers, false);
    give(r, &job);
}

static void carry_out(struct runner *r, const struct domm_move_answer *answer)
{
    for (unsigned int i = 0; i < answer->n; i++) {
        const struct domm_action *action = &answer->actions[i];
        switch (action->type) {
        case DOMM_ACTION_RUN:
        case DOMM_ACTION_UNDO:
            begin_step(r, action);
            break;
        case DOMM_ACTION_CANCEL:
            domm_movers_cancel(&r->end->movers, true);
            break;
        case DOMM_ACTION_SEND:
            say(r, action->message);
            break;
        case DOMM_ACTION_REPORT: /* the spectator sees the state */
            break;
        }
    }
}

/* Before anything is done in the new state. */
static void enter(struct runner *r, enum domm_move_state from)
{
    struct domm_end *end = r->end;
    struct domm_error err;
    r->entered_ms = r->look_ms = domm_peer_now_ms();
    domm_log(end->log, DOMM_LOG_DEBUG, "%s -> %s", domm_states[from].name,
             domm_states[state_of(r)].name);
    if (state_of(r) == DOMM_SRC_HELD)
        domm_log(end->log, DOMM_LOG_WARN,
                 "the targets stand still until domM is ready; domm release --restart or --force "
                 "decides otherwise");
    if (domm_journal_state(end->journal, state_of(r), &err)) {
        domm_log(end->log, DOMM_LOG_ERROR, "%s", err.text);
        if (domm_states[state_of(r)].revocable) {
            domm_end_blame(end, &err);
            domm_end_raise(end, (struct domm_event){.type = DOMM_EVENT_FAILED});
        }
    }
    end->report.state = state_of(r);
    end->report.unmonitored |= end->machine.unmonitored;
    end->report.restarted |= end->machine.restarted;
    if (state_of(r) == DOMM_DST_UNDOING && end->peer.out >= 0 && say_why(end, &err))
        lose_link(r, &err);
    if (end->spectator)
        end->spectator->state(end->spectator->context, end);
}

static void answer_signal(struct runner *r, enum domm_move_state state, bool ignored)
{
    r->signalled = false;
    r->end->aborted |= !ignored;
    if (is_held(state))
        r->dismissed = true;
    else if (ignored)
        domm_log(r->end->log, DOMM_LOG_WARN,
                 "it is too late to give up: the guests are being handed over or taken back");
}

static void handle(struct runner *r, const struct domm_event *event)
{
    struct domm_move_answer answer;
    enum domm_move_state before = state_of(r);
    domm_machine_handle(&r->end->machine, event, &answer);
    if (event->type == DOMM_EVENT_ABORT && r->signalled)
        answer_signal(r, before, answer.ignored);
    if (state_of(r) != before)
        enter(r, before);
    carry_out(r, &answer);
}

static void drain_events(struct runner *r)
{
    struct domm_end *end = r->end;
    while (end->n_events) {
        struct domm_event event = end->events[0];
        memmove(end->events, end->events + 1, --end->n_events * sizeof(event));
        handle(r, &event);
    }
}

/* The link. */

static bool drives_machine(enum domm_message type)
{
    return type > DOMM_MESSAGE_NONE && type < DOMM_MACHINE_MESSAGES;
}

static void take_error(struct domm_end *end, const struct domm_wire_error *error)
{
    struct domm_error reason;
    domm_fail(&reason, error->code, "the other host: %s", error->text);
    domm_end_blame(end, &reason);
    end->told = true; /* it knows */
}

static void take_message(struct runner *r, const struct domm_wire *message)
{
    struct domm_end *end = r->end;
    struct domm_error err;
    if (message->type == DOMM_MESSAGE_ERROR)
        take_error(end, &message->error);
    if (message->type == DOMM_MESSAGE_HEARTBEAT || message->type == DOMM_MESSAGE_ERROR)
        return;
    if (end->ops->hear(end, message, &err)) {
        domm_end_blame(end, &err);
        domm_end_raise(end, (struct domm_event){.type = DOMM_EVENT_FAILED});
        return;
    }
    if (drives_machine(message->type))
        domm_end_raise(end,
                       (struct domm_event){.type = DOMM_EVENT_MESSAGE, .message = message->type});
}

static void listen_to_peer(struct runner *r)
{
    struct domm_peer *peer = &r->end->peer;
    struct domm_wire message;
    struct domm_error err;
    bool got = true;
    while (got && peer->in >= 0) {
        if (domm_peer_hear(peer, &message, &got, &err)) {
            lose_link(r, &err);
            return;
        }
        if (got)
            take_message(r, &message);
        drain_events(r);
    }
}

/* Returns after how many ms there is more to do. */
static int mind_link(struct runner *r)
{
    struct domm_peer *peer = &r->end->peer;
    struct domm_error err;
    int rest = IDLE_MS;
    if (peer->out < 0)
        return rest;
    int rc = domm_peer_flush(peer, &err);
    rc = rc ? rc : domm_peer_beat(peer, &rest, &err);
    if (!rc && domm_peer_now_ms() - peer->heard_ms > DOMM_PEER_SILENCE_MS)
        rc = domm_fail(&err, DOMM_FAILED, "it has been silent for %d s",
                       DOMM_PEER_SILENCE_MS / 1000);
    if (rc)
        lose_link(r, &err);
    return rest;
}

/* The worker. */

static void take_look(struct runner *r, const struct domm_job *job)
{
    struct domm_end *end = r->end;
    r->look_ms = domm_peer_now_ms() + (is_held(state_of(r)) ? HELD_LOOK_MS : LOOK_MS);
    r->why = job->err;
    if (job->rc == 0)
        domm_end_raise(end, (struct domm_event){.type = DOMM_EVENT_READY});
    else
        domm_log(end->log, DOMM_LOG_VERBOSE, "not ready yet: %s", job->err.text);
}

static void take_step(struct runner *r, const struct domm_job *job)
{
    struct domm_end *end = r->end;
    if (job->rc) {
        struct domm_error reason = job->err;
        domm_wrap(&reason, "%s%s: %s", job->kind == DOMM_JOB_UNDO ? "undoing " : "",
                  domm_steps[job->step].name, end->guests[job->guest].facts.name);
        domm_log(end->log, job->kind == DOMM_JOB_UNDO ? DOMM_LOG_ERROR : DOMM_LOG_VERBOSE, "%s",
                 reason.text);
        if (!end->machine.cancelled)
            domm_end_blame(end, &reason);
    }
    domm_end_raise(
        end, (struct domm_event){.type = job->rc ? DOMM_EVENT_STEP_FAILED : DOMM_EVENT_STEP_DONE,
                                 .step = job->step,
                                 .guest = job->guest});
}

static void take_job(struct runner *r)
{
    struct domm_job job;
    if (!domm_worker_take(r->end->worker, &job))
        return;
    r->in_hand = false;
    if (job.kind == DOMM_JOB_LOOK)
        take_look(r, &job);
    else
        take_step(r, &job);
    if (r->waiting) {
        r->waiting = false;
        give(r, &r->next);
    }
}

static void look_again(struct runner *r)
{
    const struct domm_job look = {.kind = DOMM_JOB_LOOK};
    if (awaits_domm(state_of(r)) && !r->in_hand && domm_peer_now_ms() >= r->look_ms)
        give(r, &look);
}

static int work(void *context, const struct domm_job *job, struct domm_error *err)
{
    struct domm_end *end = context;
    switch (job->kind) {
    case DOMM_JOB_RUN:
        return end->ops->run(end, job->step, job->guest, err);
    case DOMM_JOB_UNDO:
        return end->ops->undo(end, job->step, job->guest, err);
    case DOMM_JOB_LOOK:
        break;
    }
    return end->ops->look(end, err);
}

/* Savers and receivers. */

static void take_news(struct runner *r, unsigned int guest, const struct domm_news *news)
{
    struct domm_end *end = r->end;
    const unsigned int well = 1u << DOMM_NEWS_SENT | 1u << DOMM_NEWS_RESTORED;
    const unsigned int heard = end->movers.each[guest].heard;
    struct domm_error reason;
    end->ops->news(end, guest, news);
    if (end->spectator)
        end->spectator->news(end->spectator->context, end, guest, news);
    bool died = news->kind == DOMM_NEWS_ENDED && !(heard & (well | 1u << DOMM_NEWS_FAILED));
    if (news->kind != DOMM_NEWS_FAILED && !died)
        return;
    domm_fail(&reason, died ? DOMM_FAILED : news->code, "%s: %s", end->guests[guest].facts.name,
              died ? "the process that moves it has died" : news->text);
    if (!domm_states[state_of(r)].revocable) /* it has nothing to do with it any more */
        return;
    if (!end->machine.cancelled)
        domm_end_blame(end, &reason);
    domm_end_raise(end, (struct domm_event){.type = DOMM_EVENT_FAILED, .guest = guest});
}

static void listen_to_movers(struct runner *r)
{
    struct domm_news news;
    for (unsigned int guest = 0; guest < domm_end_guests(r->end); guest++) {
        while (domm_movers_hear(&r->end->movers, guest, &news))
            take_news(r, guest, &news);
    }
}

/* Signals, deadlines, decisions. */

static void take_signal(struct runner *r)
{
    struct signalfd_siginfo info;
    struct domm_end *end = r->end;
    struct domm_error reason;
    if (read(end->signals, &info, sizeof(info)) != sizeof(info))
        return;
    domm_fail(&reason, DOMM_ABORTED, "interrupted");
    r->signalled = true;
    if (domm_states[state_of(r)].revocable)
        domm_end_blame(end, &reason);
    domm_end_raise(end, (struct domm_event){.type = DOMM_EVENT_ABORT});
}

/* Returns after how many ms it is due. */
static int64_t mind_deadline(struct runner *r)
{
    struct domm_end *end = r->end;
    struct domm_error reason;
    int seconds = seconds_for(end, state_of(r));
    int64_t rest = r->entered_ms + (int64_t)seconds * 1000 - domm_peer_now_ms();
    if (domm_states[state_of(r)].kind == DOMM_STATE_RESTS || state_of(r) == DOMM_SRC_COPYING)
        return IDLE_MS;
    if (rest > 0)
        return rest;
    domm_fail(&reason, DOMM_FAILED, "\"%s\" took longer than %d s", domm_states[state_of(r)].name,
              seconds);
    if (awaits_domm(state_of(r)) && r->why.code)
        domm_fail(&reason, DOMM_FAILED, "domM was not ready within %d s: %s", seconds, r->why.text);
    domm_log(end->log, DOMM_LOG_WARN, "%s", reason.text);
    domm_end_blame(end, &reason);
    r->entered_ms = domm_peer_now_ms();
    domm_end_raise(end, (struct domm_event){.type = DOMM_EVENT_TIMEOUT});
    return 0;
}

static void mind_decision(struct runner *r)
{
    enum domm_event_type decided;
    if (is_held(state_of(r)) && !r->in_hand &&
        domm_decision_take(&r->end->guests[0].facts.uuid, &decided))
        domm_end_raise(r->end, (struct domm_event){.type = decided});
}

/* Whether there is nothing more to wait for. */
static bool is_over(const struct runner *r)
{
    const struct domm_end *end = r->end;
    enum domm_move_state state = state_of(r);
    if (domm_states[state].kind != DOMM_STATE_RESTS || end->machine.busy || r->in_hand ||
        end->n_events)
        return false;
    if (end->peer.out >= 0 && end->peer.queued)
        return false;
    if (is_held(state))
        return r->dismissed;
    if (state == DOMM_SRC_UNKNOWN || state == DOMM_SRC_UNCONFIRMED)
        return end->peer.in < 0 || domm_peer_now_ms() - r->entered_ms > LINGER_MS;
    return true;
}

/* The loop. */

enum {
    FD_WORKER,
    FD_SIGNALS,
    FD_PEER_IN,
    FD_PEER_OUT,
    FD_OWN,
    FD_MOVERS,
    FDS = FD_MOVERS + DOMM_MOVERS
};

static void collect(struct runner *r, struct pollfd fds[FDS])
{
    struct domm_end *end = r->end;
    const struct domm_peer *peer = &end->peer;
    fds[FD_WORKER] = (struct pollfd){.fd = domm_worker_fd(end->worker), .events = POLLIN};
    fds[FD_SIGNALS] = (struct pollfd){.fd = end->signals, .events = POLLIN};
    fds[FD_PEER_IN] = (struct pollfd){.fd = peer->in, .events = POLLIN};
    fds[FD_PEER_OUT] = (struct pollfd){.fd = peer->queued ? peer->out : -1, .events = POLLOUT};
    fds[FD_OWN] = (struct pollfd){.fd = end->ops->fd(end), .events = POLLIN};
    for (unsigned int guest = 0; guest < DOMM_MOVERS; guest++)
        fds[FD_MOVERS + guest] =
            (struct pollfd){.fd = domm_movers_fd(&end->movers, guest), .events = POLLIN};
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void turn(struct runner *r)
{
    struct pollfd fds[FDS];
    struct domm_end *end = r->end;
    int64_t rest = least(mind_link(r), end->ops->tick(end));
    rest = least(rest, mind_deadline(r));
    mind_decision(r);
    look_again(r);
    drain_events(r);
    if (awaits_domm(state_of(r)))
        rest = least(rest, LOOK_MS);
    collect(r, fds);
    if (is_over(r) || poll(fds, FDS, rest > 0 ? (int)rest : 0) < 0)
        return;
    if (fds[FD_SIGNALS].revents)
        take_signal(r);
    listen_to_movers(r);
    drain_events(r);
    if (fds[FD_PEER_IN].revents)
        listen_to_peer(r);
    if (fds[FD_WORKER].revents)
        take_job(r);
    drain_events(r);
}

/* Nothing is left to settle. */
static bool is_settled(const struct domm_machine *machine)
{
    enum domm_move_state state = machine->state;
    return (state == DOMM_SRC_MOVED && !machine->damaged) || state == DOMM_SRC_ROLLED_BACK ||
           state == DOMM_DST_MOVED || state == DOMM_DST_GONE;
}

int domm_run_end(struct domm_end *end, const struct domm_move_setup *setup, struct domm_error *err)
{
    struct runner r = {.end = end};
    struct domm_move_answer answer;
    int rc = domm_worker_start(work, end, &end->worker, err);
    if (rc)
        return rc;
    domm_machine_begin(&end->machine, setup, &answer);
    enter(&r, end->machine.state);
    carry_out(&r, &answer);
    while (!is_over(&r))
        turn(&r);
    end->report.total = domm_end_now(end);
    if (is_settled(&end->machine))
        domm_journal_finish(end->journal);
    return 0;
}
