/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Streams by TLS. A relay of its own (relay.h) stands behind each connection from the first byte
 * on, so that this process reads nothing a stranger has sent: the relay tells the guest's number
 * once the other end has proved the key, and begins to copy when it is let.
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/move/door.h"
#include "lib/move/relay.h"
#include "lib/move/tcp.h"

/* What the relay is told: to begin, and the byte that waits. */
static const char begin_word[2] = {DOMM_WELCOME, 'E'};

static int introduce(struct domm_tls *tls, struct domm_error *err)
{
    struct domm_introduction introduction;
    uint32_t number;
    unsigned int guest;
    char word;
    int rc = domm_tls_handshake(tls, err);
    rc = rc ? rc : domm_tls_read_all(tls, &introduction, sizeof(introduction), err);
    if (!rc && !domm_introduction_read(&introduction, &guest))
        rc = domm_fail(err, DOMM_REFUSED, "it does not speak domm's protocol");
    if (rc)
        return rc;
    number = guest;
    if (write(DOMM_RELAY_PLAIN, &number, sizeof(number)) != sizeof(number) ||
        read(DOMM_RELAY_PLAIN, &word, 1) != 1)
        return domm_fail(err, DOMM_REFUSED, "it is turned away");
    return domm_tls_write(tls, &word, 1, err);
}

/* In the relay. */
static int run(void *context, struct domm_error *err)
{
    const struct domm_door *door = context;
    struct domm_tls *tls = NULL;
    int rc = domm_tls_new(true, DOMM_RELAY_FAR, door->key, &tls, err);
    rc = rc ? rc : domm_relay_confine(err);
    rc = rc ? rc : introduce(tls, err);
    rc = rc ? rc : domm_relay_receive(DOMM_RELAY_FAR, tls, err);
    domm_tls_free(tls);
    return rc;
}

static int begin_tls(struct domm_door *door, int connection, struct domm_arrival *arrival,
                     struct domm_error *err)
{
    struct domm_relay relay;
    domm_tcp_guard(connection);
    int rc = domm_relay_start(connection, run, door, &relay, err);
    if (rc)
        return rc;
    close(connection);
    arrival->fd = relay.plain;
    arrival->relay = relay.pid;
    return 0;
}

static int hear_tls(struct domm_door *door, struct domm_arrival *arrival, bool *known_r,
                    struct domm_error *err)
{
    uint32_t number;
    (void)door;
    ssize_t size = recv(arrival->fd, &number, sizeof(number), MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (size != sizeof(number))
        return domm_fail(err, DOMM_REFUSED, "it does not know the key, or not speak TLS");
    arrival->guest = number;
    *known_r = true;
    return 0;
}

static int admit_tls(struct domm_arrival *arrival, int *stream_r, struct domm_error *err)
{
    if (send(arrival->fd, begin_word, sizeof(begin_word), MSG_NOSIGNAL) != sizeof(begin_word))
        return domm_fail_errno(err, DOMM_REFUSED, errno, "its relay has ended");
    *stream_r = arrival->fd;
    arrival->fd = -1;
    return 0;
}

const struct domm_door_kind domm_door_tls = {domm_door_listen_tcp, begin_tls, hear_tls, admit_tls};
