/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The messages between the two ends of a migration. The numbers are those on the wire. */
#ifndef DOMM_MIGRATE_FSM_MESSAGE_H
#define DOMM_MIGRATE_FSM_MESSAGE_H

enum domm_message_type {
    DOMM_MESSAGE_NONE = 0,
    /* These drive the state machines (lib/migrate/fsm/machine.h). */
    DOMM_MESSAGE_HELLO = 1,    /* both: the supported versions */
    DOMM_MESSAGE_OFFER = 2,    /* source: the migration's terms; the guests were described before */
    DOMM_MESSAGE_ACCEPT = 3,   /* destination: preflight passed, the receivers listen */
    DOMM_MESSAGE_PREPARE = 4,  /* source: all is sent, the names are free */
    DOMM_MESSAGE_PREPARED = 5, /* destination: every step that can fail is done */
    DOMM_MESSAGE_COMMIT = 6,   /* source: the destination owns all guests now */
    DOMM_MESSAGE_COMMITTED = 7, /* destination: it owns them */
    DOMM_MESSAGE_FINISHED = 8,  /* destination: the outcome */
    DOMM_MESSAGE_ABORT = 9,     /* source: destroy the copies */
    DOMM_MESSAGE_GONE = 10,     /* destination: the copies are destroyed and will never run */
    DOMM_MACHINE_MESSAGES,
    /* These do not. */
    DOMM_MESSAGE_HEARTBEAT = 16,
    DOMM_MESSAGE_GUEST = 17,     /* source: describes one guest */
    DOMM_MESSAGE_CONFIG = 18,    /* source: a piece of one guest's configuration */
    DOMM_MESSAGE_STATE = 19,     /* source: a piece of the mapping state */
    DOMM_MESSAGE_STATE_END = 20, /* source: its length and digest */
    DOMM_MESSAGE_ERROR = 21,     /* both: why, before ABORT or GONE */
    DOMM_MESSAGE_FIGURES = 22,   /* destination: one guest, before FINISHED */
    DOMM_MESSAGE_RECORD = 23,    /* source: a piece of the monitor's record */
    DOMM_MESSAGE_STREAMS = 24,   /* destination: where guests' streams are expected */
    DOMM_MESSAGE_AGREED = 25,    /* source, after FINISHED: it will never ask for the outcome */
};

#endif
