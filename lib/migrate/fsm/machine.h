/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The co-migration of one monitor and its targets, at one end: which step comes next, which
 * message, and which steps are undone when. Pure: it is handed events and answers with actions; the
 * caller runs the steps, sends the messages and keeps the clock. A plain value, without pointers:
 * it may be copied and compared.
 *
 * The caller
 *   - begins with domm_machine_begin and then hands in one event at a time, carrying out all
 *     actions of the answer, in order, before the next;
 *   - names each step in its journal before it runs or undoes it;
 *   - reports the end of each step as DOMM_EVENT_STEP_DONE or _STEP_FAILED. At most one step is
 *     under way at an end. A cancelled step must still end, soon, either way;
 *   - sets a deadline in each state but those that halt, and reports it with DOMM_EVENT_TIMEOUT.
 *     A missed heartbeat, an end of file or an I/O error is DOMM_EVENT_LOST. This holds also while
 *     a step is under way;
 *   - in a state called "awaiting monitor" or "held", while no step is under way, reports
 *     DOMM_EVENT_READY as soon as the monitor is ready.
 */
#ifndef DOMM_MIGRATE_FSM_MACHINE_H
#define DOMM_MIGRATE_FSM_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/migrate/fsm/state.h"
#include "lib/migrate/fsm/step.h"
#include "lib/pair/record.h"

enum domm_on_not_ready {
    DOMM_NOT_READY_HOLD,    /* leave the targets stopped, for a decision */
    DOMM_NOT_READY_RESTART, /* replace the monitor, once; then hold */
    DOMM_NOT_READY_FORCE,   /* run the targets unmonitored, and report it */
};

struct domm_migration_setup {
    bool source;
    unsigned int n_targets; /* 1 to DOMM_RECORD_MAX_TARGETS */
    bool force_busy;        /* source: at the limit, stop the guests rather than give up */
    enum domm_on_not_ready on_not_ready;
};

struct domm_machine {
    struct domm_migration_setup setup;
    enum domm_migration_state state;
    unsigned int next;  /* the position of the next step in this end's order */
    unsigned int begun; /* steps at positions below it may have begun, and are not undone */
    unsigned int busy;  /* 1 + the position of the step under way; 0 if none is */
    bool undoing;       /* the step under way is being undone */
    bool cancelled;     /* the step under way was cancelled: its result does not count */
    bool damaged;       /* something could not be undone, released or destroyed */
    bool all_stopped;   /* source: all targets had stopped before the monitor was to stop */
    bool restarted;     /* the monitor has been replaced by a fresh one */
    bool gone;          /* source: the destination has said that its copies are destroyed */
    bool unmonitored;   /* forced: the targets run whether or not the monitor is ready */
    bool limited;       /* source: no guest's convergence is awaited any longer */
    uint64_t converged; /* guests, by bits */
};

enum domm_event_type {
    DOMM_EVENT_STEP_DONE,   /* step, guest: it was done, or undone */
    DOMM_EVENT_STEP_FAILED, /* step, guest */
    DOMM_EVENT_MESSAGE,     /* message */
    DOMM_EVENT_CONVERGED,   /* guest: pre-copy has converged */
    DOMM_EVENT_DIVERGED,    /* guest: it has diverged again */
    DOMM_EVENT_LIMIT,       /* the time limit of pre-copy is reached */
    DOMM_EVENT_FAILED,      /* any other failure at this end, such as a dead saver */
    DOMM_EVENT_TIMEOUT,
    DOMM_EVENT_LOST,
    DOMM_EVENT_ABORT, /* SIGINT, SIGTERM, a command */
    DOMM_EVENT_READY,
    DOMM_EVENT_NOT_READY, /* the monitor will not become ready */
    DOMM_EVENT_RESTART,   /* decided while held */
    DOMM_EVENT_FORCE,     /* decided while held */
    DOMM_EVENTS
};

struct domm_event {
    enum domm_event_type type;
    enum domm_step step;
    unsigned int guest;
    enum domm_message_type message;
};

enum domm_action_type {
    DOMM_ACTION_RUN,    /* step, guest */
    DOMM_ACTION_UNDO,   /* step, guest */
    DOMM_ACTION_CANCEL, /* step, guest: end it soon */
    DOMM_ACTION_SEND,   /* message */
    DOMM_ACTION_REPORT, /* the state halts: tell the administrator, loudly if recovery or a decision
                           is needed */
};

struct domm_action {
    enum domm_action_type type;
    enum domm_step step;
    unsigned int guest;
    enum domm_message_type message;
};

#define DOMM_MAX_ACTIONS 8

struct domm_machine_answer {
    bool ignored; /* the event has no meaning in this state; a DOMM_EVENT_ABORT is refused */
    unsigned int n;
    struct domm_action actions[DOMM_MAX_ACTIONS];
};

/* Starts in the first state of this end. */
void domm_machine_begin(struct domm_machine *machine_r, const struct domm_migration_setup *setup,
                        struct domm_machine_answer *answer_r);

/* The destination's facts from the offer; called before the offer is handed in as an event. */
void domm_machine_learn(struct domm_machine *machine, unsigned int n_targets,
                        enum domm_on_not_ready on_not_ready);

/* Any event may come in any state. */
void domm_machine_handle(struct domm_machine *machine, const struct domm_event *event,
                         struct domm_machine_answer *answer_r);

/* Whether it has ended, and nothing is left for recovery at this end. */
bool domm_machine_is_complete(const struct domm_machine *machine);

#endif
