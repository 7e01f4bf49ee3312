/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The steps of a co-migration, in their order, for both ends and all guests. The order in which
 * guests stop and start is defined here and nowhere else.
 *
 * Guest 0 is the monitor, 1 to n are its targets. An undo must work after its step has failed
 * half-way, was cut short or had no effect; in the last case it does nothing. A journal that names
 * each step before it runs is therefore enough to undo the steps after a crash.
 */
#ifndef DOMM_MIGRATE_FSM_STEP_H
#define DOMM_MIGRATE_FSM_STEP_H

#include <stdbool.h>

#include "lib/migrate/fsm/state.h"

enum domm_step {
    /* Source. */
    DOMM_STEP_CHECK, /* the preflight of this end */
    DOMM_STEP_LOCK,  /* lock the guests against other migrations, attach and ballooning | unlock */
    DOMM_STEP_COPY,  /* each: start its saver, which copies while it runs | end its saver */
    DOMM_STEP_STOP,  /* target: suspend | end its saver, resume, paused if it was */
    DOMM_STEP_DRAIN, /* begin to wait until the mirror has handed the last packets over */
    DOMM_STEP_STOP_MONITOR, /* freeze, end that wait, suspend, pause | end its saver, resume */
    DOMM_STEP_DETACH,       /* write the mapping state down, clear it | write it back */
    DOMM_STEP_FINISH,       /* each: wait until its saver has sent everything */
    DOMM_STEP_SEND_STATE,   /* send the mapping state */
    DOMM_STEP_RENAME_AWAY,  /* each: NAME to NAME--migratedaway | and back */
    DOMM_STEP_DECIDE,       /* journal that COMMIT may have been sent | that it was not sent or was
                               refused */
    DOMM_STEP_DESTROY,      /* each: destroy the stale copy */
    DOMM_STEP_REPLACE,      /* after a rollback: replace the monitor for the stopped targets */
    /* Destination. */
    DOMM_STEP_ADMIT,     /* the preflight of this end */
    DOMM_STEP_RECEIVE,   /* each: create NAME--incoming, start its receiver | destroy it */
    DOMM_STEP_RESTORE,   /* each: wait until it is restored, paused */
    DOMM_STEP_REATTACH,  /* write and verify the mapping state | take the mappings back */
    DOMM_STEP_MIRROR,    /* wait until the targets' packets are mirrored to the monitor | nothing */
    DOMM_STEP_VERIFY,    /* check everything of readiness that can be checked while the monitor is
                            paused */
    DOMM_STEP_RENAME_IN, /* each: NAME--incoming to NAME | and back */
    DOMM_STEP_ADOPT,     /* journal that this end owns the guests | that it does not */
    DOMM_STEP_START_MONITOR, /* unpause */
    DOMM_STEP_RENEW,         /* replace the monitor for the paused targets */
    DOMM_STEP_RELEASE,       /* target: set its wanted pause state, if it differs */
    DOMM_STEP_SETTLE,        /* write the mappings that need a target that has run */
    DOMM_STEPS
};

enum domm_step_scope {
    DOMM_ONCE,    /* guest is 0 */
    DOMM_EACH,    /* the monitor, then the targets */
    DOMM_TARGETS, /* the targets */
};

struct domm_step_info {
    const char *name;                /* for journals and messages */
    enum domm_migration_state state; /* the state it runs in */
    enum domm_step_scope scope;
    bool undo; /* whether the step has an undo */
};

extern const struct domm_step_info domm_steps[DOMM_STEPS];

#endif
