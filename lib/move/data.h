/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The ways that guests' streams take from the source to the destination: each a connection of its
 * own, so that neither holds up another or the control link.
 *
 * By ssh, `ssh HOST domm receive --stream MIGRATION` hands its standard input over to the process
 * that receives, through a socket in /run/domm. By TLS and TCP the source connects to a port that
 * the destination has told, and proves that it has the key that came with it (greeting.h); with
 * TLS the destination proves it, too. By TCP everybody on the way can read the guest's memory, and
 * change it.
 *
 * A stream that ends early is a failure for libxl, whatever way it came: only a whole one has the
 * END record. By TLS the reader does not even see an end that the source has not said (relay.h).
 *
 * Where a relay stands in the stream, it lives as long as the thread that has connected, or taken,
 * the stream.
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
    uint64_t bytes_per_s;             /* of one stream, at most; 0: at will */
};

/* A stream at the source. */
struct domm_stream {
    int fd;           /* to be written, by whoever; -1 if closed */
    pid_t ssh, relay; /* the processes it leads through, or 0 */
};

/* Connects guest number `guest`, within seconds. By TLS and TCP the destination has taken it then,
 * or the error says why not. */
int domm_stream_connect(const struct domm_route *route, unsigned int guest,
                        struct domm_stream *stream_r, struct domm_error *err);

/* At once: who still writes fails, and so does who reads at the other end. Is still to be closed.
 */
void domm_stream_cut(const struct domm_stream *stream);

/* Ends the stream, within a second or so. To be called when the destination has read what it needs,
 * or never will: by ssh, what is still on the way is lost, and who still writes fails. */
void domm_stream_close(struct domm_stream *stream);

/* Where streams arrive. */
struct domm_door;

/* By ssh, /run/domm must be there (lib/base/lock.h). */
int domm_door_open(enum domm_data data, const struct domm_uuid *migration,
                   struct domm_door **door_r, struct domm_wire_streams *streams_r,
                   struct domm_error *err);

/* To be called when the streams that were taken have been read: unless by TCP, they end. Null is
 * fine. */
void domm_door_close(struct domm_door *door);

/* Readable when there is something to take, or somebody to turn away. */
int domm_door_fd(const struct domm_door *door);

/*
 * The next stream that has arrived, of guest *guest_r; *fd_r is the caller's to close, and -1 if
 * there is none. Never waits for anybody. DOMM_REFUSED, for the caller to log, if somebody was
 * turned away: who does not say in time what it should, or brings a guest that is none or has come
 * already. Other failures are of this host. To be called about every second as well, for those who
 * say nothing.
 */
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
