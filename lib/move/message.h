/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the two ends of a migration tell each other. The numbers are those on the wire. */
#ifndef DOMM_MOVE_MESSAGE_H
#define DOMM_MOVE_MESSAGE_H

enum domm_message {
    DOMM_MESSAGE_NONE = 0,
    /* These drive the state machines (lib/move/machine.h). */
    DOMM_MESSAGE_HELLO = 1,     /* both: the versions one speaks */
    DOMM_MESSAGE_OFFER = 2,     /* source: what shall be moved; the guests were described before */
    DOMM_MESSAGE_ACCEPT = 3,    /* destination: there is room, the receivers listen */
    DOMM_MESSAGE_GO = 4,        /* source: all is sent, and the names are free */
    DOMM_MESSAGE_PREPARED = 5,  /* destination: all that can fail has been done */
    DOMM_MESSAGE_COMMIT = 6,    /* source: the guests are yours, all of them */
    DOMM_MESSAGE_COMMITTED = 7, /* destination: they are mine */
    DOMM_MESSAGE_FINISHED = 8,  /* destination: what became of them */
    DOMM_MESSAGE_ABORT = 9,     /* source: destroy what you have */
    DOMM_MESSAGE_GONE = 10,     /* destination: it is destroyed, none of it will ever run */
    DOMM_MACHINE_MESSAGES,
    /* These do not. */
    DOMM_MESSAGE_HEARTBEAT = 16,
    DOMM_MESSAGE_GUEST = 17,     /* source: describes one guest */
    DOMM_MESSAGE_CONFIG = 18,    /* source: a piece of one guest's configuration */
    DOMM_MESSAGE_STATE = 19,     /* source: a piece of the mapping state */
    DOMM_MESSAGE_STATE_END = 20, /* source: its length and digest */
    DOMM_MESSAGE_ERROR = 21,     /* both: why, before ABORT or GONE */
    DOMM_MESSAGE_FIGURES = 22,   /* destination: one guest, before FINISHED */
    DOMM_MESSAGE_RECORD = 23,    /* source: a piece of domM's record */
    DOMM_MESSAGE_STREAMS = 24,   /* destination: where guests' streams are expected */
};

#endif
