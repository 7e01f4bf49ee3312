/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the loop share: loop.c turns, loop_input.c takes what has arrived, and
 * loop_events.c passes events to the machine and carries out its actions. */
#ifndef DOMM_MIGRATE_LOOP_INTERNAL_H
#define DOMM_MIGRATE_LOOP_INTERNAL_H

#include "lib/base/clock.h"
#include "lib/migrate/session.h"

struct loop {
    struct domm_session *session;
    bool in_hand; /* the worker has a job */
    bool looking; /* the job is a check of readiness */
    bool waiting; /* a job waits for the check to end */
    struct domm_job next;
    int64_t entered_ms;
    int64_t look_ms;       /* when the next look may begin */
    struct domm_error why; /* why the monitor was not ready */
    int64_t status_ms;     /* when the status file is to be written next */
    bool signalled;        /* an interrupt is to be handled */
    bool dismissed;        /* an interrupt came while the targets were held */
};

static inline enum domm_migration_state loop_state_of(const struct loop *r)
{
    return r->session->machine.state;
}

static inline bool loop_is_held(enum domm_migration_state state)
{
    return state == DOMM_SRC_HELD || state == DOMM_DST_HELD;
}

static inline bool loop_awaits_monitor(enum domm_migration_state state)
{
    return state == DOMM_SRC_AWAITING_MONITOR || state == DOMM_DST_AWAITING_MONITOR ||
           loop_is_held(state);
}

/* Gives the worker a job, or has it wait for the check that is under way. */
void domm_loop_give(struct loop *r, const struct domm_job *job);

/* Enters the machine's first state and carries out the actions of its first answer. */
void domm_loop_begin(struct loop *r, const struct domm_machine_answer *answer);

/* Passes the session's events to the machine, and carries out what it answers, until there are
 * none. */
void domm_loop_drain_events(struct loop *r);

/* Take what has arrived: messages of the other host, the worker's result, the progress of savers
 * and receivers, a signal. */
void domm_loop_receive_messages(struct loop *r);
void domm_loop_take_job(struct loop *r);
void domm_loop_receive_progress(struct loop *r);
void domm_loop_take_signal(struct loop *r);

/* Take what other commands of domm have left for this migration: `domm abort`, or recovery by the
 * other host; `domm release`. */
void domm_loop_check_abort_request(struct loop *r);
void domm_loop_check_tuning(struct loop *r);
void domm_loop_check_hold_override(struct loop *r);

#endif
