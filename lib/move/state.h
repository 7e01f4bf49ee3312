/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The states of a co-migration and the one table of transitions between them.
 *
 * Two generals cannot agree over a link that may fail, so one message decides: COMMIT. Nothing of
 * the destination's copies runs without it, and the source never sends it twice.
 *
 *   - Before COMMIT is sent the source may take its guests back whatever happens to the link: the
 *     copies at the destination will never run. It still gives the destination a bounded time to
 *     say that they are destroyed.
 *   - From the moment the source may have sent COMMIT it runs nothing before it has heard the
 *     destination. COMMITTED: its copies are stale for ever. GONE (the destination had given up
 * before COMMIT reached it): they are the only ones and come back. Silence: outcome unknown,
 *     recovery is needed, and both copies stay stopped at this end.
 *   - Until COMMIT arrives the destination may give up by itself. It does so when the link is lost,
 *     rather than hold paused copies for an answer that may never come. After COMMIT it no longer
 *     needs the link.
 *
 * xl decides alike; its GO is COMMIT here. As with xl, the source's copies give up their names
 * before it and the destination's take them after it, so that a copy that has its proper name is
 * one that may run. All else that can fail at the destination comes before PREPARED.
 */
#ifndef DOMM_MOVE_STATE_H
#define DOMM_MOVE_STATE_H

#include <stdbool.h>

#include "lib/move/message.h"

enum domm_move_state {
    /* Source. */
    DOMM_SRC_CHECKING,    /* preflight of this end; the beginning */
    DOMM_SRC_GREETING,    /* HELLO sent */
    DOMM_SRC_OFFERING,    /* OFFER sent */
    DOMM_SRC_COPYING,     /* pre-copy, until all guests have converged or a limit decides */
    DOMM_SRC_STOPPING,    /* targets, mirror, domM; final copies; names */
    DOMM_SRC_HANDING,     /* GO sent */
    DOMM_SRC_DECIDING,    /* the decision is written down */
    DOMM_SRC_COMMITTING,  /* COMMIT sent, or perhaps so: the point of no return */
    DOMM_SRC_UNKNOWN,     /* no answer to it; recovery needed */
    DOMM_SRC_WATCHING,    /* the destination has them; waiting for how it went */
    DOMM_SRC_UNCONFIRMED, /* … and it has not said; recovery needed */
    DOMM_SRC_CLEARING,    /* the stale copies are destroyed */
    DOMM_SRC_MOVED,       /* end */
    DOMM_SRC_ABORTING,    /* ABORT sent: the destination destroys first */
    DOMM_SRC_UNDOING,     /* back to where domM runs */
    DOMM_SRC_AWAITING,    /* until domM is ready again */
    DOMM_SRC_REPLACING,   /* a fresh domM is made */
    DOMM_SRC_RELEASING,   /* the targets resume; the rest is undone */
    DOMM_SRC_HELD,        /* domM is not ready: the targets stay stopped; decision needed */
    DOMM_SRC_ROLLED_BACK, /* end: as before */
    DOMM_SRC_STUCK,       /* end: rolled back in part; recovery needed */
    /* Destination. */
    DOMM_DST_LISTENING, /* the beginning */
    DOMM_DST_GREETED,   /* HELLO sent back */
    DOMM_DST_ADMITTING, /* preflight of this end, receivers */
    DOMM_DST_RECEIVING, /* ACCEPT sent */
    DOMM_DST_PREPARING, /* restored, maps, mirror, checks */
    DOMM_DST_PREPARED,  /* PREPARED sent: COMMIT may come */
    DOMM_DST_ADOPTING,  /* COMMIT came: names; it is written down */
    DOMM_DST_STARTING,  /* COMMITTED sent: the point of no return; domM is unpaused */
    DOMM_DST_AWAITING,  /* until domM is ready */
    DOMM_DST_RENEWING,  /* a fresh domM is made */
    DOMM_DST_RELEASING, /* the targets are unpaused */
    DOMM_DST_HELD,      /* domM is not ready: the targets stay paused; decision needed */
    DOMM_DST_MOVED,     /* end */
    DOMM_DST_IMPAIRED,  /* end: moved, but a target did not start, or lacks mappings */
    DOMM_DST_UNDOING,   /* the copies are destroyed */
    DOMM_DST_GONE,      /* end: nothing left here */
    DOMM_DST_STUCK,     /* end: something is left here, and will not run; recovery needed */
    DOMM_MOVE_STATES
};

/* Why a state is left. */
enum domm_move_cause {
    DOMM_CAUSE_NONE,
    /* DOMM_MESSAGE_HELLO to _GONE: the message came. */
    DOMM_CAUSE_DONE = DOMM_MACHINE_MESSAGES, /* all steps of the state are done, or undone */
    DOMM_CAUSE_DAMAGED,                      /* … but not all of them well */
    DOMM_CAUSE_DOMM_BACK,                    /* all is undone that comes before the targets */
    DOMM_CAUSE_CONVERGED,                    /* all guests, or the limit forces it */
    DOMM_CAUSE_FAILED,                       /* something at this end */
    DOMM_CAUSE_TIMEOUT,                      /* the state's deadline, or a heartbeat's */
    DOMM_CAUSE_LOST,                         /* the link, or the peer with it */
    DOMM_CAUSE_ABORT,                        /* asked for by a signal or a command */
    DOMM_CAUSE_READY,                        /* domM */
    DOMM_CAUSE_HOLD,    /* domM is not: by policy, leave the targets as they are */
    DOMM_CAUSE_RESTART, /* by policy or decision, give them a fresh domM */
    DOMM_CAUSE_FORCE,   /* by policy or decision, run them unmonitored */
    DOMM_CAUSES
};

enum domm_state_kind {
    DOMM_STATE_RUNS,   /* its steps, in their order */
    DOMM_STATE_UNDOES, /* the steps that were begun, last first */
    DOMM_STATE_WAITS,  /* for the peer or domM, with a deadline */
    DOMM_STATE_RESTS,  /* for a decision or for ever, without; it is reported */
};

struct domm_state_info {
    const char *name;
    enum domm_state_kind kind;
    enum domm_message says; /* sent when it is entered */
    bool owns;              /* this end may run its copies of the guests; never so at both ends */
    bool revocable;         /* what is begun here may be undone */
};

extern const struct domm_state_info domm_states[DOMM_MOVE_STATES];

/* The state that follows; DOMM_MOVE_STATES if the cause means nothing in this state. */
enum domm_move_state domm_next_state(enum domm_move_state from, enum domm_move_cause cause);

static inline bool domm_state_is_source(enum domm_move_state state)
{
    return state < DOMM_DST_LISTENING;
}

#endif
