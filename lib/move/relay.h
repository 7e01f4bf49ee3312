/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A process that stands in a guest's stream, between the plain descriptor that libxenguest wants
 * and what the bytes travel by: it speaks TLS, or keeps to a bandwidth. It is a child that nothing
 * of this process depends on but the stream, without privileges, and ends with the thread that has
 * started it (lib/save/child.h).
 *
 * The plain side is a socket. At the destination the reader of a stream under TLS sees its end only
 * if the source has said that it is the end; if it ends in any other way, the relay's death
 * included, the read fails with ECONNRESET. By this the kernel tells of a peer that has left bytes
 * unread, so a byte waits at the relay's side that it reads in the one case and not in the other.
 */
#ifndef DOMM_MOVE_RELAY_H
#define DOMM_MOVE_RELAY_H

#include <stdint.h>
#include <sys/types.h>

#include "lib/base/error.h"
#include "lib/move/tls.h"

struct domm_relay {
    pid_t pid;
    int plain;
};

/* In the child; what it returns ends it. Of the parent's descriptors it has standard error and
 * these. */
typedef int (*domm_relay_run)(void *context, struct domm_error *err);

#define DOMM_RELAY_PLAIN 3
#define DOMM_RELAY_FAR 4 /* unless none was given */

/* far (or -1) stays the caller's. */
int domm_relay_start(int far, domm_relay_run run, void *context, struct domm_relay *relay_r,
                     struct domm_error *err);

/* Ends the stream in order if that works within this time, and has the process end in any case. */
void domm_relay_end(struct domm_relay *relay, int grace_ms);

/* In the child, all that follows. Gives up what it does not need for copying: to be called before
 * it believes a byte from the network. */
int domm_relay_confine(struct domm_error *err);

/* Copies from the plain side until nobody has its other end any more, whatever the reason: then the
 * stream ends in order. At most this many bytes a second (0: at will). tls is null if far takes the
 * bytes as they are. Fails if the other end closes. */
int domm_relay_send(int far, struct domm_tls *tls, uint64_t bytes_per_s, struct domm_error *err);

/* Copies to the plain side until the other end says that it is the end. */
int domm_relay_receive(int far, struct domm_tls *tls, struct domm_error *err);

#endif
