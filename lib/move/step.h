/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The steps of a co-migration, in their order, for both ends and all guests. Who stops and who
 * starts first stands here and nowhere else.
 *
 * Guest 0 is domM, 1 to n are its targets. A step that has an undo must bear being undone when it
 * failed half-way, or was cut short, or had no effect at all; undoing then does nothing. So a
 * journal that names a step before it runs is enough to undo it after a crash.
 */
#ifndef DOMM_MOVE_STEP_H
#define DOMM_MOVE_STEP_H

#include <stdbool.h>

#include "lib/move/state.h"

enum domm_step {
    /* Source. */
    DOMM_STEP_CHECK,       /* the preflight of this end */
    DOMM_STEP_LOCK,        /* no other migration, attachment or ballooning | let them */
    DOMM_STEP_COPY,        /* each: start its saver, which copies while it runs | end its saver */
    DOMM_STEP_STOP,        /* target: suspend | end its saver, resume, paused if it was */
    DOMM_STEP_DRAIN,       /* until the mirror has handed the targets' last packets to domM */
    DOMM_STEP_STOP_DOMM,   /* suspend and pause | end its saver, resume */
    DOMM_STEP_DETACH,      /* record the mapping state durably, clear it | write it back */
    DOMM_STEP_FINISH,      /* each: until its saver has sent the rest */
    DOMM_STEP_SEND_STATE,  /* send the mapping state */
    DOMM_STEP_RENAME_AWAY, /* each: NAME to NAME--migratedaway | and back */
    DOMM_STEP_DECIDE, /* journal that COMMIT may have been sent | that it was not, or was refused */
    DOMM_STEP_DESTROY, /* each: the stale copy */
    DOMM_STEP_REPLACE, /* after a rollback: a fresh domM for the stopped targets */
    /* Destination. */
    DOMM_STEP_ADMIT,      /* the preflight of this end */
    DOMM_STEP_RECEIVE,    /* each: create NAME--incoming, start to restore it | destroy it */
    DOMM_STEP_RESTORE,    /* each: until it is whole, and paused */
    DOMM_STEP_REATTACH,   /* write and verify the mapping state | take the mappings back */
    DOMM_STEP_MIRROR,     /* mirror the targets' packets to domM | stop it */
    DOMM_STEP_VERIFY,     /* all of readiness that can be known while domM is paused */
    DOMM_STEP_RENAME_IN,  /* each: NAME--incoming to NAME | and back */
    DOMM_STEP_ADOPT,      /* journal that the guests are this end's | that they are not */
    DOMM_STEP_START_DOMM, /* unpause */
    DOMM_STEP_RENEW,      /* a fresh domM for the paused targets */
    DOMM_STEP_RELEASE,    /* target: the pause state it shall have; does nothing if it has it */
    DOMM_STEP_SETTLE,     /* the mappings that need a target that has run */
    DOMM_STEPS
};

enum domm_step_scope {
    DOMM_ONCE,    /* guest is 0 */
    DOMM_EACH,    /* domM, then the targets */
    DOMM_TARGETS, /* the targets */
};

struct domm_step_info {
    const char *name;           /* for journals and messages */
    enum domm_move_state state; /* the state it runs in */
    enum domm_step_scope scope;
    bool undo; /* whether there is something to undo */
};

extern const struct domm_step_info domm_steps[DOMM_STEPS];

#endif
