/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The link to the other end of a migration: the control protocol (wire.h) over two descriptors that
 * never block. It is the caller's to poll them, and to say a heartbeat now and then; who is silent
 * for DOMM_PEER_SILENCE_MS is lost. For one thread.
 */
#ifndef DOMM_MOVE_PEER_H
#define DOMM_MOVE_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/move/wire.h"

#define DOMM_PEER_BEAT_MS 2000
#define DOMM_PEER_SILENCE_MS 40000

struct domm_peer {
    int in, out; /* borrowed; -1: none */
    bool source; /* this end is */
    uint64_t beats;
    int64_t heard_ms, said_ms; /* CLOCK_MONOTONIC */
    size_t have, used;         /* bytes in input; of them those of the message that was heard */
    unsigned char input[DOMM_WIRE_MAX_FRAME];
    unsigned char *output; /* what could not be written yet */
    size_t queued, room;
};

/* Makes the descriptors non-blocking. The peer is freed by domm_peer_end, which closes neither. */
int domm_peer_begin(struct domm_peer *peer_r, bool source, int in, int out, struct domm_error *err);
void domm_peer_end(struct domm_peer *peer);

/* Queues a message, and writes what can be written. */
int domm_peer_say(struct domm_peer *peer, const struct domm_wire *message, struct domm_error *err);

/* Writes what can be written. Fails if the other end has closed the link. */
int domm_peer_flush(struct domm_peer *peer, struct domm_error *err);

/* The next message that has come, if there is a whole one; *got_r says whether. What it points to
 * is good until the next call. DOMM_REFUSED for what makes no sense, or is not the other end's to
 * send; DOMM_FAILED at the end of the link. */
int domm_peer_hear(struct domm_peer *peer, struct domm_wire *message_r, bool *got_r,
                   struct domm_error *err);

/* Says a heartbeat if it is time; returns after how many ms to call it again. */
int domm_peer_beat(struct domm_peer *peer, int *rest_ms_r, struct domm_error *err);

int64_t domm_peer_now_ms(void);

#endif
