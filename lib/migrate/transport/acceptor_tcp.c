/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Streams by TCP in clear text, from a source that answers a challenge. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/migrate/transport/acceptor.h"
#include "lib/migrate/transport/tcp.h"

int domm_acceptor_listen_tcp(struct domm_acceptor *acceptor, const struct domm_uuid *migration,
                             struct domm_message_streams *streams_r, struct domm_error *err)
{
    (void)migration;
    int rc = domm_random(streams_r->key, sizeof(streams_r->key), err);
    memcpy(acceptor->key, streams_r->key, sizeof(acceptor->key));
    if (rc)
        return rc;
    return domm_tcp_listen(&acceptor->listener, &streams_r->port, err);
}

/* The challenge always fits into the send buffer of a new connection. */
static int begin_tcp(struct domm_acceptor *acceptor, int connection,
                     struct domm_pending_connection *pending, struct domm_error *err)
{
    (void)acceptor;
    domm_tcp_guard(connection);
    int rc = domm_auth_challenge_make(&pending->challenge, err);
    if (rc)
        return rc;
    if (send(connection, &pending->challenge, sizeof(pending->challenge),
             MSG_DONTWAIT | MSG_NOSIGNAL) != sizeof(pending->challenge))
        return domm_fail_errno(err, DOMM_REFUSED, errno, "challenging %s", pending->from);
    pending->fd = connection;
    return 0;
}

static int authenticate_tcp(struct domm_acceptor *acceptor, struct domm_pending_connection *pending,
                            bool *known_r, struct domm_error *err)
{
    int rc = domm_pending_connection_read(pending, &pending->answer, sizeof(pending->answer),
                                          known_r, err);
    if (rc)
        return rc;
    if (*known_r)
        return domm_auth_response_check(&pending->answer, &pending->challenge, acceptor->key,
                                        &pending->guest, err);
    return 0;
}

static int admit_tcp(struct domm_acceptor *acceptor, struct domm_pending_connection *pending,
                     int *stream_r, struct domm_error *err)
{
    const char welcome = DOMM_WELCOME;
    if (send(pending->fd, &welcome, 1, MSG_DONTWAIT | MSG_NOSIGNAL) != 1)
        return domm_fail_errno(err, DOMM_REFUSED, errno, "welcoming it");
    int rc = domm_pending_connection_relay(pending, pending->fd, acceptor, stream_r, err);
    if (rc)
        return rc;
    close(pending->fd);
    pending->fd = -1;
    return 0;
}

const struct domm_acceptor_ops domm_acceptor_tcp = {domm_acceptor_listen_tcp, begin_tcp,
                                                    authenticate_tcp, admit_tcp};
