/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The inside of the acceptor of guests' streams (data.h). */
#ifndef DOMM_MIGRATE_TRANSPORT_ACCEPTOR_H
#define DOMM_MIGRATE_TRANSPORT_ACCEPTOR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/un.h>

#include "lib/migrate/transport/data.h"
#include "lib/migrate/transport/stream_auth.h"
#include "lib/pair/record.h"

#define DOMM_ACCEPTOR_GUESTS (1 + DOMM_RECORD_MAX_TARGETS)
#define DOMM_ACCEPTOR_PENDING                                                                      \
    16 /* connections not authenticated yet; others wait to be accepted                            \
        */
#define DOMM_ACCEPTOR_PATIENCE_MS 5000

/* A connection that is not authenticated yet. */
struct domm_pending_connection {
    int fd; /* readable when it has sent something; -1: unused */
    int64_t deadline_ms;
    char from[64];      /* its address, for messages */
    unsigned int guest; /* once it is known */
    int brought;        /* ssh: the stream, or -1 */
    pid_t relay;        /* tls: from the beginning; otherwise once admitted; or 0 */
    size_t have;        /* bytes of the answer received */
    struct domm_auth_challenge challenge;
    struct domm_auth_response answer;
};

/* Resources that an accepted stream depends on. */
struct domm_accepted_stream {
    bool taken;
    int fd; /* ssh: the process that delivered it waits until this is closed; or -1 */
    pid_t relay;
};

struct domm_acceptor {
    const struct domm_acceptor_ops *kind;
    struct domm_log *log;
    int listener, epoll;
    bool is_open; /* epoll waits for the listener */
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
    unsigned char key[DOMM_DATA_KEY_BYTES];
    unsigned int turn; /* the connection that is handled next */
    struct domm_pending_connection pending[DOMM_ACCEPTOR_PENDING];
    struct domm_accepted_stream guests[DOMM_ACCEPTOR_GUESTS];
};

/* Operations for each enum domm_data. None of them waits. */
struct domm_acceptor_ops {
    int (*listen)(struct domm_acceptor *acceptor, const struct domm_uuid *migration,
                  struct domm_message_streams *streams_r, struct domm_error *err);
    /* Takes a new connection, which stays the caller's on failure. */
    int (*begin)(struct domm_acceptor *acceptor, int connection,
                 struct domm_pending_connection *pending, struct domm_error *err);
    /* Reads and checks authentication; *known_r says whether it is complete. Fails if it cannot
     * succeed any more. */
    int (*authenticate)(struct domm_acceptor *acceptor, struct domm_pending_connection *pending,
                        bool *known_r, struct domm_error *err);
    /* Returns its stream. The rest of the pending connection is needed as long as the stream. */
    int (*admit)(struct domm_acceptor *acceptor, struct domm_pending_connection *pending,
                 int *stream_r, struct domm_error *err);
};

extern const struct domm_acceptor_ops domm_acceptor_ssh, domm_acceptor_tcp, domm_acceptor_tls;

/* Used by TCP and TLS. */
int domm_acceptor_listen_tcp(struct domm_acceptor *acceptor, const struct domm_uuid *migration,
                             struct domm_message_streams *streams_r, struct domm_error *err);

/* For admit: starts a relay behind `far`, which stays the caller's. */
int domm_pending_connection_relay(struct domm_pending_connection *pending, int far,
                                  struct domm_acceptor *acceptor, int *stream_r,
                                  struct domm_error *err);

/* Reads more bytes of an object of this size; *whole_r says whether it is complete. */
int domm_pending_connection_read(struct domm_pending_connection *pending, void *into, size_t size,
                                 bool *whole_r, struct domm_error *err);

#endif
