/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Streams by TLS. Each connection has its own relay (relay.h) from the first byte on, so that this
 * process reads nothing from a stranger: the relay reports the guest's number once the other end
 * has proved the key, and copies when it is told to.
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/migrate/transport/acceptor.h"
#include "lib/migrate/transport/relay.h"
#include "lib/migrate/transport/tcp.h"

/* Sent to the relay: the command to begin, and the byte that stays unread (relay.h). */
static const char begin_word[2] = {DOMM_WELCOME, 'E'};

static int introduce(struct domm_tls *tls, struct domm_error *err)
{
    struct domm_auth_introduction introduction;
    uint32_t number;
    unsigned int guest;
    char word;
    int rc = domm_tls_handshake(tls, err);
    if (rc)
        return rc;
    rc = domm_tls_read_all(tls, &introduction, sizeof(introduction), err);
    if (rc)
        return rc;
    if (!domm_auth_introduction_read(&introduction, &guest))
        return domm_fail(err, DOMM_REFUSED, "it does not speak domm's protocol");
    number = guest;
    if (write(DOMM_RELAY_PLAIN, &number, sizeof(number)) != sizeof(number) ||
        read(DOMM_RELAY_PLAIN, &word, 1) != 1)
        return domm_fail(err, DOMM_REFUSED, "the connection is rejected");
    return domm_tls_write(tls, &word, 1, err);
}

/* In the relay. */
static int acceptor_tls_run(void *context, struct domm_error *err)
{
    const struct domm_acceptor *acceptor = context;
    cleanup_tls struct domm_tls *tls = NULL;
    int rc = domm_tls_new(true, DOMM_RELAY_FAR, acceptor->key, &tls, err);
    if (rc)
        return rc;
    rc = domm_relay_confine(err);
    if (rc)
        return rc;
    rc = introduce(tls, err);
    if (rc)
        return rc;
    return domm_relay_receive(DOMM_RELAY_FAR, tls, acceptor->log, err);
}

static int begin_tls(struct domm_acceptor *acceptor, int connection,
                     struct domm_pending_connection *pending, struct domm_error *err)
{
    struct domm_relay relay;
    domm_tcp_guard(connection);
    int rc = domm_relay_start(connection, acceptor_tls_run, acceptor, &relay, err);
    if (rc)
        return rc;
    close(connection);
    pending->fd = relay.plain;
    pending->relay = relay.pid;
    return 0;
}

static int authenticate_tls(struct domm_acceptor *acceptor, struct domm_pending_connection *pending,
                            bool *known_r, struct domm_error *err)
{
    uint32_t number;
    (void)acceptor;
    ssize_t size = recv(pending->fd, &number, sizeof(number), MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (size != sizeof(number))
        return domm_fail(err, DOMM_REFUSED, "it does not know the key, or does not speak TLS");
    pending->guest = number;
    *known_r = true;
    return 0;
}

static int admit_tls(struct domm_acceptor *acceptor, struct domm_pending_connection *pending,
                     int *stream_r, struct domm_error *err)
{
    (void)acceptor;
    if (send(pending->fd, begin_word, sizeof(begin_word), MSG_NOSIGNAL) != sizeof(begin_word))
        return domm_fail_errno(err, DOMM_REFUSED, errno, "its relay has ended");
    *stream_r = pending->fd;
    pending->fd = -1;
    return 0;
}

const struct domm_acceptor_ops domm_acceptor_tls = {domm_acceptor_listen_tcp, begin_tls,
                                                    authenticate_tls, admit_tls};
