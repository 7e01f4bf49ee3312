/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/migrate/transport/connect.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/base/poll.h"
#include "lib/migrate/protocol/control_link.h"
#include "lib/migrate/transport/relay.h"
#include "lib/migrate/transport/stream_auth.h"
#include "lib/migrate/transport/tcp.h"

int domm_connect_ms = 10000;

struct connect_work {
    const struct domm_route *route;
    unsigned int guest;
};

static int no_answer(struct domm_error *err)
{
    if (errno)
        return domm_fail_errno(err, DOMM_FAILED, errno, "greeting it");
    return domm_fail(err, DOMM_REFUSED, "it rejects the stream");
}

static bool connect_receive(int fd, void *bytes_r, size_t size)
{
    errno = 0;
    return recv(fd, bytes_r, size, MSG_WAITALL) == (ssize_t)size;
}

static int greet_plainly(const struct connect_work *work, int fd, struct domm_error *err)
{
    struct domm_auth_challenge challenge;
    struct domm_auth_response answer;
    char welcome = 0;
    if (!connect_receive(fd, &challenge, sizeof(challenge)))
        return no_answer(err);
    int rc =
        domm_auth_response_make(&challenge, work->route->streams.key, work->guest, &answer, err);
    if (rc)
        return rc;
    if (send(fd, &answer, sizeof(answer), MSG_NOSIGNAL) != sizeof(answer) ||
        !connect_receive(fd, &welcome, 1) || welcome != DOMM_WELCOME)
        return no_answer(err);
    return 0;
}

static int greet_secretly(const struct connect_work *work, struct domm_tls *tls,
                          struct domm_error *err)
{
    struct domm_auth_introduction introduction;
    char welcome = 0;
    domm_auth_introduction_make(work->guest, &introduction);
    int rc = domm_tls_handshake(tls, err);
    if (rc)
        return rc;
    rc = domm_tls_write(tls, &introduction, sizeof(introduction), err);
    if (rc)
        return rc;
    if (domm_tls_read_all(tls, &welcome, 1, err) || welcome != DOMM_WELCOME)
        return domm_fail(err, DOMM_REFUSED, "it rejects the stream");
    return 0;
}

static int connect_greet(const struct connect_work *work, int fd, struct domm_tls **tls_r,
                         struct domm_error *err)
{
    int rc;
    if (work->route->data == DOMM_DATA_TLS) {
        rc = domm_tls_new(false, fd, work->route->streams.key, tls_r, err);
        if (rc)
            return rc;
    }
    rc = domm_relay_confine(err);
    if (rc)
        return rc;
    return *tls_r ? greet_secretly(work, *tls_r, err) : greet_plainly(work, fd, err);
}

static int connect_and_greet(const struct connect_work *work, int *fd_r, struct domm_tls **tls_r,
                             struct domm_error *err)
{
    const struct domm_route *route = work->route;
    int tcp_ms =
        domm_connect_ms * 9 / 10; /* the child reports a timeout before the parent gives up */
    int rc = domm_tcp_connect(route->host, route->streams.port, tcp_ms, fd_r, err);
    if (rc)
        return rc;
    rc = connect_greet(work, *fd_r, tls_r, err);
    if (rc)
        return domm_wrap(err, "the stream to %s, TCP port %u", route->host, route->streams.port);
    return 0;
}

/* In the child. Reports the result to the parent. */
static int connect_run(void *context, struct domm_error *err)
{
    const struct connect_work *work = context;
    const struct domm_route *route = work->route;
    cleanup_fd int fd = -1;
    cleanup_tls struct domm_tls *tls = NULL; /* freed before fd is closed */
    int rc = connect_and_greet(work, &fd, &tls, err);
    if (!rc)
        *err = (struct domm_error){.code = DOMM_OK};
    if (send(DOMM_RELAY_PLAIN, err, sizeof(*err), MSG_NOSIGNAL) != sizeof(*err))
        return -DOMM_FAILED;
    if (rc)
        return rc;
    return domm_relay_send(fd, tls, route->shared, err);
}

/* Waits for the child's report. */
static int connect_await_result(const struct domm_route *route, int plain, struct domm_error *err)
{
    struct pollfd word = {.fd = plain, .events = POLLIN};
    struct domm_error result;
    if (domm_poll_until(&word, 1, domm_now_ms() + domm_connect_ms) <= 0) {
        domm_fail(err, DOMM_FAILED, "%s, TCP port %u, does not answer within %d seconds",
                  route->host, route->streams.port, domm_connect_ms / 1000);
        return domm_hint(err, "a firewall may block it: --data ssh needs no port of its own");
    }
    if (recv(plain, &result, sizeof(result), MSG_WAITALL) != sizeof(result))
        return domm_fail(err, DOMM_FAILED, "the process that connects to %s has died", route->host);
    if (result.code)
        *err = result;
    return -(int)result.code;
}

int domm_connect(const struct domm_route *route, unsigned int guest, struct domm_stream *stream_r,
                 struct domm_error *err)
{
    struct connect_work work = {.route = route, .guest = guest};
    struct domm_relay relay;
    if (!route->streams.port)
        return domm_fail(err, DOMM_REFUSED, "%s has not sent its port for streams", route->host);
    int rc = domm_relay_start(-1, connect_run, &work, &relay, err);
    if (rc)
        return rc;
    rc = connect_await_result(route, relay.plain, err);
    if (rc) {
        domm_relay_end(&relay, 0);
        return rc;
    }
    stream_r->fd = relay.plain;
    stream_r->relay = relay.pid;
    return 0;
}
