/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The ways that guests' streams take from the source to the destination: each a connection of its
 * own, so that neither holds up another or the control link.
 *
 * By ssh, `ssh HOST domm receive --stream MIGRATION` hands its standard input over to the process
 * that receives, through a socket in /run/domm. By TCP the source connects to a port that the
 * destination has told.
 */
#ifndef DOMM_MOVE_DATA_H
#define DOMM_MOVE_DATA_H

#include <sys/types.h>

#include "lib/base/error.h"
#include "lib/base/uuid.h"
#include "lib/move/wire.h"

#define DOMM_SSH_WORDS 64 /* at most */

/* How to get there. All borrowed. */
struct domm_route {
    enum domm_data data;
    const char *host;
    char *const *ssh; /* the words before the remote command, the host among them; ends with null */
    struct domm_uuid migration;
    struct domm_wire_streams streams; /* as the destination has told */
};

/* A stream at the source. */
struct domm_stream {
    int fd;    /* to be written, by whoever; -1 if closed */
    pid_t ssh; /* the process it leads through, or 0 */
};

/* Connects guest number `guest`. */
int domm_stream_connect(const struct domm_route *route, unsigned int guest,
                        struct domm_stream *stream_r, struct domm_error *err);

/* Closes this end. The stream goes on for as long as somebody else has it open. */
void domm_stream_close(struct domm_stream *stream);

/* Where streams arrive. */
struct domm_door;

int domm_door_open(enum domm_data data, const struct domm_uuid *migration,
                   struct domm_door **door_r, struct domm_wire_streams *streams_r,
                   struct domm_error *err);
void domm_door_close(struct domm_door *door); /* null is fine */

/* Readable when a stream may have arrived. */
int domm_door_fd(const struct domm_door *door);

/* The next that has arrived, of guest *guest_r; *fd_r is the caller's to close, and -1 if there is
 * none. Who does not say what it should is turned away, and logged by the caller: DOMM_REFUSED. */
int domm_door_take(struct domm_door *door, unsigned int *guest_r, int *fd_r,
                   struct domm_error *err);

/* The other side of the socket: hands fd over as the stream of a guest, closes it here, and waits
 * until the door is closed: until then sshd has to believe that somebody reads. */
int domm_door_deliver(const struct domm_uuid *migration, unsigned int guest, int fd,
                      struct domm_error *err);

/* Starts a program whose standard input and output are *in_r and *out_r from this side. It ignores
 * the signals of the terminal: they are this process' to decide about. */
int domm_stream_spawn(char *const *argv, int *in_r, int *out_r, pid_t *pid_r,
                      struct domm_error *err);

#endif
