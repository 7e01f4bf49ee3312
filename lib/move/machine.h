/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The co-migration of one domM and its targets, at one end: which step comes next, which message,
 * and what is undone when. Pure: it is told events and answers with actions; who calls it runs the
 * steps, sends the messages and keeps the clock. A plain value, without pointers: it may be copied
 * and compared.
 *
 * The caller
 *   - begins with domm_machine_begin and then hands in one event at a time, carrying out all
 *     actions of the answer, in order, before the next;
 *   - names each step in its journal before it runs or undoes it;
 *   - sees that a step ends, and reports that as DOMM_EVENT_STEP_DONE or _STEP_FAILED. At most one
 *     is under way at an end. One that is cancelled must still end, soon, either way;
 *   - sets a deadline in each state but those that rest, and reports it with DOMM_EVENT_TIMEOUT.
 *     A missed heartbeat, an end of file or an I/O error is DOMM_EVENT_LOST. All this also while a
 *     step is under way;
 *   - in a state called "awaiting domM" or "held", while no step is under way, reports
 *     DOMM_EVENT_READY as soon as domM is ready.
 */
#ifndef DOMM_MOVE_MACHINE_H
#define DOMM_MOVE_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/move/state.h"
#include "lib/move/step.h"
#include "lib/pair/record.h"

enum domm_on_not_ready {
    DOMM_NOT_READY_HOLD,    /* leave the targets stopped, for a decision */
    DOMM_NOT_READY_RESTART, /* give them a fresh domM, once; then hold */
    DOMM_NOT_READY_FORCE,   /* run them unmonitored, and say so */
};

struct domm_move_setup {
    bool source;
    unsigned int n_targets; /* 1 to DOMM_RECORD_MAX_TARGETS */
    bool force_busy;        /* source: at the limit, stop the guests rather than give up */
    enum domm_on_not_ready on_not_ready;
};

struct domm_machine {
    struct domm_move_setup setup;
    enum domm_move_state state;
    unsigned int next;  /* the place of the next step in this end's order */
    unsigned int begun; /* places below it may have been begun, and are not undone */
    unsigned int busy;  /* 1 + the place of the step under way; 0 if none is */
    bool undoing;       /* the step under way is being undone */
    bool cancelled;     /* the step under way was told to end: its result counts no more */
    bool damaged;       /* something could not be undone, released or destroyed */
    bool all_stopped;   /* source: no target ran when domM was to stop */
    bool restarted;     /* domM has been replaced by a fresh one */
    bool gone;          /* source: the destination has said that its copies are destroyed */
    bool unmonitored;   /* forced: the targets run whether or not domM is ready */
    bool limited;       /* source: nobody is waited for any longer */
    uint64_t converged; /* guests, by bits */
};

enum domm_event_type {
    DOMM_EVENT_STEP_DONE,   /* step, guest: it was done, or undone */
    DOMM_EVENT_STEP_FAILED, /* step, guest */
    DOMM_EVENT_MESSAGE,     /* message */
    DOMM_EVENT_CONVERGED,   /* guest: little of it is left to send */
    DOMM_EVENT_DIVERGED,    /* guest: no longer so */
    DOMM_EVENT_LIMIT,       /* pre-copy has taken as long as it may */
    DOMM_EVENT_FAILED,      /* anything else at this end, as a saver that died */
    DOMM_EVENT_TIMEOUT,
    DOMM_EVENT_LOST,
    DOMM_EVENT_ABORT, /* SIGINT, SIGTERM, a command */
    DOMM_EVENT_READY,
    DOMM_EVENT_NOT_READY, /* domM will not be */
    DOMM_EVENT_RESTART,   /* decided while held */
    DOMM_EVENT_FORCE,     /* decided while held */
    DOMM_EVENTS
};

struct domm_event {
    enum domm_event_type type;
    enum domm_step step;
    unsigned int guest;
    enum domm_message message;
};

enum domm_action_type {
    DOMM_ACTION_RUN,    /* step, guest */
    DOMM_ACTION_UNDO,   /* step, guest */
    DOMM_ACTION_CANCEL, /* step, guest: end it soon */
    DOMM_ACTION_SEND,   /* message */
    DOMM_ACTION_REPORT, /* the state rests: tell people, loudly if recovery or a decision is needed
                         */
};

struct domm_action {
    enum domm_action_type type;
    enum domm_step step;
    unsigned int guest;
    enum domm_message message;
};

#define DOMM_MAX_ACTIONS 8

struct domm_move_answer {
    bool ignored; /* the event means nothing here; for DOMM_EVENT_ABORT: it is refused */
    unsigned int n;
    struct domm_action actions[DOMM_MAX_ACTIONS];
};

/* Begins at an end's first state. */
void domm_machine_begin(struct domm_machine *machine_r, const struct domm_move_setup *setup,
                        struct domm_move_answer *answer_r);

/* The destination learns from the offer what is to be moved; before it hands it in as an event. */
void domm_machine_learn(struct domm_machine *machine, unsigned int n_targets,
                        enum domm_on_not_ready on_not_ready);

/* Any event may come in any state. */
void domm_machine_handle(struct domm_machine *machine, const struct domm_event *event,
                         struct domm_move_answer *answer_r);

#endif
