/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The ways that guests' streams take from the source to the destination: each a connection of its
 * own, so that neither holds up another or the control link.
 *
 * By ssh, `ssh HOST domm receive --stream MIGRATION` passes its standard input to the receiving
 * process through a socket in /run/domm. By TLS and TCP the source connects to a port that the
 * destination has sent, and proves that it knows the key that was sent with the port
 * (stream_auth.h); by TLS the destination proves that as well. By TCP an attacker on the way can
 * read and change the guest's memory.
 *
 * libxl fails if a stream ends early, by whichever way: only a complete stream has the END record.
 * The reader sees an end of file only if the source has ended the stream in order (relay.h).
 *
 * A relay at each end of a stream codes it (coding.h). It lives as long as the thread that has
 * connected or accepted the stream.
 */
#ifndef DOMM_MIGRATE_TRANSPORT_DATA_H
#define DOMM_MIGRATE_TRANSPORT_DATA_H

#include <sys/types.h>

#include "lib/base/error.h"
#include "lib/base/log.h"
#include "lib/base/uuid.h"
#include "lib/migrate/protocol/messages.h"
#include "lib/migrate/transport/relay.h"

#define DOMM_SSH_WORDS 64 /* at most */

/* sshd refuses connections at random once ten have not logged in yet (MaxStartups in
 * sshd_config(5)). So only the first few guests' streams are begun at once; the program at the far
 * end of each further one writes a byte, and the next is begun then. */
#define DOMM_SSH_AT_ONCE 8u

/* The way to the destination. All borrowed. */
struct domm_route {
    enum domm_data data;
    const char *host;
    char *const *ssh; /* the words before the remote command, the host among them; ends with null */
    struct domm_uuid migration;
    struct domm_message_streams streams; /* from the destination */
    struct domm_relay_shared *shared;    /* with the limit of this stream */
};

/* A stream at the source. */
struct domm_stream {
    int fd;           /* to be written by any process; -1 if closed */
    pid_t ssh, relay; /* the processes it passes through, or 0 */
};

/* Connects the stream of a guest, within seconds. By TLS and TCP the destination has accepted it on
 * return, or the error says why not. */
int domm_stream_connect(const struct domm_route *route, unsigned int guest,
                        struct domm_stream *stream_r, struct domm_error *err);

/* Cuts the stream at once: writers and readers at both ends fail. It must still be closed. */
void domm_stream_cut(const struct domm_stream *stream);

/* Ends the stream, within a second or so. Call it when the destination has read what it needs, or
 * never will: by ssh, bytes on the way are lost, and a process that still writes fails. */
void domm_stream_close(struct domm_stream *stream);

/* Accepts streams. */
struct domm_acceptor;

/* By ssh, /run/domm must exist (lib/pair/locks.h). */
int domm_acceptor_open(struct domm_log *log, enum domm_data data, const struct domm_uuid *migration,
                       struct domm_acceptor **acceptor_r, struct domm_message_streams *streams_r,
                       struct domm_error *err);

/* Call it when the accepted streams have been read: except by TCP, they end. Null is fine. */
void domm_acceptor_close(struct domm_acceptor *acceptor);

/* Readable when domm_acceptor_take has something to do. */
int domm_acceptor_fd(const struct domm_acceptor *acceptor);

/*
 * Accepts the next stream, of guest *guest_r; *fd_r is the caller's to close, and -1 if there is
 * none. Never waits. DOMM_REFUSED, for the caller to log, if a connection was rejected: it did not
 * authenticate in time, or named an unknown guest or one that has its stream. Other failures are
 * this host's. Call it about every second as well, for connections that send nothing.
 */
int domm_acceptor_take(struct domm_acceptor *acceptor, unsigned int *guest_r, int *fd_r,
                       struct domm_error *err);

/* The other side of the socket: passes fd as the stream of a guest, closes it here, and waits until
 * the acceptor is closed, so that sshd keeps the connection open. */
int domm_acceptor_deliver(const struct domm_uuid *migration, unsigned int guest, int fd,
                          struct domm_error *err);

/* Starts a program; *in_r and *out_r are this side of its standard input and output. It ignores the
 * terminal's signals: only this process acts on them. */
int domm_stream_spawn(char *const *argv, int *in_r, int *out_r, pid_t *pid_r,
                      struct domm_error *err);

#endif
