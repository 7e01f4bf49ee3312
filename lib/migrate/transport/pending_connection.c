/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/migrate/transport/acceptor.h"

#include <errno.h>
#include <sys/socket.h>

#include "lib/migrate/transport/relay.h"

int domm_pending_connection_read(struct domm_pending_connection *pending, void *into, size_t size,
                                 bool *whole_r, struct domm_error *err)
{
    ssize_t n = recv(pending->fd, (char *)into + pending->have, size - pending->have, MSG_DONTWAIT);
    if (n == 0)
        return domm_fail(err, DOMM_REFUSED, "it has closed the connection");
    if (n < 0 && errno != EAGAIN && errno != EINTR)
        return domm_fail_errno(err, DOMM_REFUSED, errno, "it has closed the connection");
    pending->have += n > 0 ? (size_t)n : 0;
    *whole_r = pending->have == size;
    return 0;
}

/* Runs in a relay. */
static int pending_connection_decode(void *context, struct domm_error *err)
{
    const struct domm_acceptor *acceptor = context;
    int rc = domm_relay_confine(err);
    if (rc)
        return rc;
    return domm_relay_receive(DOMM_RELAY_FAR, NULL, acceptor->log, err);
}

int domm_pending_connection_relay(struct domm_pending_connection *pending, int far,
                                  struct domm_acceptor *acceptor, int *stream_r,
                                  struct domm_error *err)
{
    static const char waits = 'E'; /* relay.h */
    struct domm_relay relay;
    int rc = domm_relay_start(far, pending_connection_decode, acceptor, &relay, err);
    if (rc)
        return rc;
    /* The relay may have ended already: the reader of the stream finds that out. */
    if (send(relay.plain, &waits, 1, MSG_NOSIGNAL) != 1 && errno != EPIPE) {
        domm_fail_errno(err, DOMM_FAILED, errno, "starting the relay of a stream");
        domm_relay_end(&relay, 0);
        return -DOMM_FAILED;
    }
    pending->relay = relay.pid;
    *stream_r = relay.plain;
    return 0;
}
