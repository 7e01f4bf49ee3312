/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The states of a co-migration and the one table of transitions between them.
 *
 * Two generals cannot agree over a link that may fail, so one message decides: COMMIT. The
 * destination's copies do not run without it, and the source never sends it twice.
 *
 *   - Before COMMIT is sent the source may take its guests back whatever happens to the link: the
 *     copies at the destination will never run. It still gives the destination a bounded time to
 *     say that they are destroyed.
 *   - From the moment the source may have sent COMMIT it runs no guest before the destination has
 *     answered. COMMITTED: the source's copies are stale for ever. GONE (the destination had given
 *     up before COMMIT arrived): they are the only copies and resume. No answer: the outcome is
 *     unknown, recovery is needed, and the source's copies stay stopped.
 *   - Until COMMIT arrives the destination may give up by itself. It does so when the link is lost,
 *     rather than hold paused copies for an answer that may never come. After COMMIT it no longer
 *     needs the link.
 *
 * xl decides in the same way; its GO is COMMIT here. As with xl, the source's copies lose their
 * proper names before COMMIT and the destination's get them after it, so that only a copy with its
 * proper name may run. All other steps that can fail at the destination come before PREPARED.
 */
#ifndef DOMM_MIGRATE_FSM_STATE_H
#define DOMM_MIGRATE_FSM_STATE_H

#include <stdbool.h>

#include "lib/migrate/fsm/message.h"

enum domm_migration_state {
    /* Source. */
    DOMM_SRC_CHECKING,         /* preflight of this end; the beginning */
    DOMM_SRC_GREETING,         /* HELLO sent */
    DOMM_SRC_OFFERING,         /* OFFER sent */
    DOMM_SRC_COPYING,          /* pre-copy, until all guests have converged or a limit decides */
    DOMM_SRC_STOPPING,         /* stop the guests, drain the mirror; final copies; names */
    DOMM_SRC_PREPARING,        /* PREPARE sent */
    DOMM_SRC_DECIDING,         /* the decision is journalled */
    DOMM_SRC_COMMITTING,       /* COMMIT sent, or perhaps so: the point of no return */
    DOMM_SRC_UNKNOWN,          /* no answer to COMMIT; recovery needed */
    DOMM_SRC_AWAITING_RESULT,  /* the destination owns the guests; waiting for the result */
    DOMM_SRC_UNCONFIRMED,      /* no result arrived; recovery needed */
    DOMM_SRC_CLEARING,         /* the stale copies are destroyed */
    DOMM_SRC_MOVED,            /* end */
    DOMM_SRC_ABORTING,         /* ABORT sent: the destination destroys its copies first */
    DOMM_SRC_UNDOING,          /* undoes the steps until the monitor runs */
    DOMM_SRC_AWAITING_MONITOR, /* until the monitor is ready again */
    DOMM_SRC_REPLACING,        /* a fresh monitor is made */
    DOMM_SRC_RELEASING,        /* the targets resume; the rest is undone */
    DOMM_SRC_HELD,        /* the monitor is not ready: the targets stay stopped; decision needed */
    DOMM_SRC_ROLLED_BACK, /* end: as before */
    DOMM_SRC_STUCK,       /* end: rolled back in part; recovery needed */
    /* Destination. */
    DOMM_DST_LISTENING,        /* the beginning */
    DOMM_DST_GREETED,          /* HELLO sent back */
    DOMM_DST_ADMITTING,        /* preflight of this end, receivers */
    DOMM_DST_RECEIVING,        /* ACCEPT sent */
    DOMM_DST_PREPARING,        /* guests restored, mappings and mirrors set up, checks */
    DOMM_DST_PREPARED,         /* PREPARED sent: COMMIT may come */
    DOMM_DST_ADOPTING,         /* COMMIT received: names; journalled */
    DOMM_DST_STARTING,         /* COMMITTED sent, the point of no return; the monitor is unpaused */
    DOMM_DST_AWAITING_MONITOR, /* until the monitor is ready */
    DOMM_DST_RENEWING,         /* a fresh monitor is made */
    DOMM_DST_RELEASING,        /* the targets are unpaused */
    DOMM_DST_HELD,     /* the monitor is not ready: the targets stay paused; decision needed */
    DOMM_DST_MOVED,    /* end */
    DOMM_DST_IMPAIRED, /* end: moved, but a target did not start, or lacks mappings */
    DOMM_DST_UNDOING,  /* the copies are destroyed */
    DOMM_DST_GONE,     /* end: nothing is left on this host */
    DOMM_DST_STUCK,    /* end: something is left on this host that will not run; recovery needed */
    DOMM_MIGRATION_STATES
};

/* Why a state is left. */
enum domm_migration_cause {
    DOMM_CAUSE_NONE,
    /* DOMM_MESSAGE_HELLO to _GONE: the message came. */
    DOMM_CAUSE_DONE = DOMM_MACHINE_MESSAGES, /* all steps of the state are done or undone */
    DOMM_CAUSE_DAMAGED,                      /* the same, but some have failed */
    DOMM_CAUSE_MONITOR_BACK,                 /* every step before the targets' is undone */
    DOMM_CAUSE_CONVERGED,                    /* all guests have converged, or the limit forces it */
    DOMM_CAUSE_FAILED,                       /* a failure at this end */
    DOMM_CAUSE_TIMEOUT,                      /* the state's deadline, or a heartbeat's */
    DOMM_CAUSE_LOST,                         /* the link, or the peer with it */
    DOMM_CAUSE_ABORT,                        /* a signal or a command requests an abort */
    DOMM_CAUSE_READY,                        /* the monitor */
    DOMM_CAUSE_HOLD,    /* the monitor is not ready; policy: hold the targets */
    DOMM_CAUSE_RESTART, /* policy or decision: replace the monitor */
    DOMM_CAUSE_FORCE,   /* policy or decision: run the targets unmonitored */
    DOMM_CAUSES
};

enum domm_migration_state_kind {
    DOMM_STATE_KIND_RUNS,   /* its steps, in their order */
    DOMM_STATE_KIND_UNDOES, /* undoes the steps that were begun, last first */
    DOMM_STATE_KIND_WAITS,  /* waits for the other end or the monitor, with a deadline */
    DOMM_STATE_KIND_HALTS,  /* halts, for a decision or for ever; reported */
};

struct domm_migration_state_info {
    const char *name; /* for messages and output */
    enum domm_migration_state_kind kind;
    enum domm_message_type says; /* sent when it is entered */
    bool owns;             /* this end may run its copies of the guests; never true at both ends */
    bool revocable;        /* what is begun here may be undone */
    const char *journaled; /* the word in journals, which never changes; null: same as the name */
};

extern const struct domm_migration_state_info domm_migration_states[DOMM_MIGRATION_STATES];

/* The word for the state in journals. */
const char *domm_migration_state_word(enum domm_migration_state state);

/* The state that follows; DOMM_MIGRATION_STATES if the cause means nothing in this state. */
enum domm_migration_state domm_migration_next_state(enum domm_migration_state from,
                                                    enum domm_migration_cause cause);

static inline bool domm_migration_state_is_source(enum domm_migration_state state)
{
    return state < DOMM_DST_LISTENING;
}

#endif
