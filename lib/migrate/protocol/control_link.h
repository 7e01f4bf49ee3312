/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The link to the other end of a migration: the control protocol (messages.h) over two descriptors
 * that never block. The caller polls them and calls domm_control_link_heartbeat in time. An end
 * that is silent for DOMM_CONTROL_LINK_SILENCE_MS counts as lost. For one thread.
 */
#ifndef DOMM_MIGRATE_PROTOCOL_CONTROL_LINK_H
#define DOMM_MIGRATE_PROTOCOL_CONTROL_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/migrate/protocol/messages.h"

#define DOMM_CONTROL_LINK_HEARTBEAT_MS 2000
#define DOMM_CONTROL_LINK_SILENCE_MS 40000

struct domm_control_link {
    int in, out; /* borrowed; -1: none */
    bool source; /* this end is the source */
    bool heard;  /* a frame has come: the other end runs domm */
    uint64_t beats;
    int64_t received_ms, sent_ms; /* CLOCK_MONOTONIC */
    size_t have, used;            /* bytes in input; bytes of the message received last */
    unsigned char input[DOMM_WIRE_MAX_FRAME];
    unsigned char *output; /* bytes not written yet */
    size_t queued, room;
};

/* Makes the descriptors non-blocking. domm_control_link_end frees the link and closes neither
 * descriptor. */
int domm_control_link_begin(struct domm_control_link *link_r, bool source, int in, int out,
                            struct domm_error *err);
void domm_control_link_end(struct domm_control_link *link);

/* Queues a message, and writes as much as possible. */
int domm_control_link_send(struct domm_control_link *link, const struct domm_message *message,
                           struct domm_error *err);

/* Writes as much as possible. Fails if the other end has closed the link. */
int domm_control_link_flush(struct domm_control_link *link, struct domm_error *err);

/* Receives the next whole message; *got_r says whether there is one. Its pointers are valid until
 * the next call. DOMM_REFUSED if the message is malformed or not the other end's to send;
 * DOMM_FAILED at the end of the link. */
int domm_control_link_receive(struct domm_control_link *link, struct domm_message *message_r,
                              bool *got_r, struct domm_error *err);

/* Sends a heartbeat if it is due; returns the time to the next call in ms. */
int domm_control_link_heartbeat(struct domm_control_link *link, int *timeout_ms_r,
                                struct domm_error *err);

#endif
