/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/move/connect.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/move/descriptor.h"
#include "lib/move/greeting.h"
#include "lib/move/peer.h"
#include "lib/move/relay.h"
#include "lib/move/tcp.h"

int domm_connect_ms = 10000;

struct work {
    const struct domm_route *route;
    unsigned int guest;
};

static int no_answer(struct domm_error *err)
{
    if (errno)
        return domm_fail_errno(err, DOMM_FAILED, errno, "greeting it");
    return domm_fail(err, DOMM_REFUSED, "it turns the stream away");
}

static bool receive(int fd, void *bytes_r, size_t size)
{
    errno = 0;
    return recv(fd, bytes_r, size, MSG_WAITALL) == (ssize_t)size;
}

static int greet_plainly(const struct work *work, int fd, struct domm_error *err)
{
    struct domm_challenge challenge;
    struct domm_answer answer;
    char welcome = 0;
    if (!receive(fd, &challenge, sizeof(challenge)))
        return no_answer(err);
    int rc = domm_answer_make(&challenge, work->route->streams.key, work->guest, &answer, err);
    if (rc)
        return rc;
    if (send(fd, &answer, sizeof(answer), MSG_NOSIGNAL) != sizeof(answer) ||
        !receive(fd, &welcome, 1) || welcome != DOMM_WELCOME)
        return no_answer(err);
    return 0;
}

static int greet_secretly(const struct work *work, struct domm_tls *tls, struct domm_error *err)
{
    struct domm_introduction introduction;
    char welcome = 0;
    domm_introduction_make(work->guest, &introduction);
    int rc = domm_tls_handshake(tls, err);
    rc = rc ? rc : domm_tls_write(tls, &introduction, sizeof(introduction), err);
    if (!rc && (domm_tls_read_all(tls, &welcome, 1, err) || welcome != DOMM_WELCOME))
        rc = domm_fail(err, DOMM_REFUSED, "it turns the stream away");
    return rc;
}

static int greet(const struct work *work, int fd, struct domm_tls **tls_r, struct domm_error *err)
{
    const struct domm_wire_streams *streams = &work->route->streams;
    int rc = 0;
    *tls_r = NULL;
    if (work->route->data == DOMM_DATA_TLS)
        rc = domm_tls_new(false, fd, streams->key, tls_r, err);
    rc = rc ? rc : domm_relay_confine(err);
    if (!rc)
        rc = *tls_r ? greet_secretly(work, *tls_r, err) : greet_plainly(work, fd, err);
    return rc ? domm_wrap(err, "the stream to %s, TCP port %u", work->route->host, streams->port)
              : 0;
}

/* In the child. Tells the parent how it went, with the connection if nobody needs to stand in it.
 */
static int run(void *context, struct domm_error *err)
{
    const struct work *work = context;
    const struct domm_route *route = work->route;
    struct domm_tls *tls = NULL;
    cleanup_fd int fd = -1;
    int tcp_ms = domm_connect_ms * 9 / 10; /* so that what fails is told by who knows it */
    int rc = domm_tcp_connect(route->host, route->streams.port, tcp_ms, &fd, err);
    rc = rc ? rc : greet(work, fd, &tls, err);
    bool direct = !rc && !tls && !route->bytes_per_s;
    if (!rc)
        *err = (struct domm_error){.code = DOMM_OK};
    if (domm_descriptor_send(DOMM_RELAY_PLAIN, err, sizeof(*err), direct ? fd : -1) < 0)
        rc = -DOMM_FAILED;
    if (!rc && !direct)
        rc = domm_relay_send(fd, tls, route->bytes_per_s, err);
    domm_tls_free(tls);
    return rc;
}

/* Waits for what the child tells. */
static int hear(const struct domm_route *route, int plain, int *fd_r, struct domm_error *err)
{
    struct pollfd word = {.fd = plain, .events = POLLIN};
    int64_t deadline = domm_peer_now_ms() + domm_connect_ms, rest = domm_connect_ms;
    struct domm_error told;
    *fd_r = -1;
    int ready;
    while ((ready = poll(&word, 1, (int)rest)) < 0 && errno == EINTR && rest > 0)
        rest = deadline - domm_peer_now_ms();
    if (ready <= 0) {
        domm_fail(err, DOMM_FAILED, "%s, TCP port %u, does not answer within %d seconds",
                  route->host, route->streams.port, domm_connect_ms / 1000);
        return domm_hint(err, "a firewall may be in the way: --data ssh needs no port of its own");
    }
    ssize_t size = domm_descriptor_receive(plain, &told, sizeof(told), MSG_WAITALL, fd_r);
    if (size != sizeof(told))
        return domm_fail(err, DOMM_FAILED, "the process that connects to %s has died", route->host);
    if (told.code)
        *err = told;
    return -(int)told.code;
}

int domm_connect(const struct domm_route *route, unsigned int guest, struct domm_stream *stream_r,
                 struct domm_error *err)
{
    struct work work = {.route = route, .guest = guest};
    struct domm_relay relay;
    int fd;
    if (!route->streams.port)
        return domm_fail(err, DOMM_REFUSED, "%s has told no port for streams", route->host);
    int rc = domm_relay_start(-1, run, &work, &relay, err);
    if (rc)
        return rc;
    rc = hear(route, relay.plain, &fd, err);
    if (rc || fd >= 0) {
        domm_relay_end(&relay, 0);
        stream_r->fd = fd;
    } else {
        stream_r->fd = relay.plain;
        stream_r->relay = relay.pid;
    }
    return rc;
}
