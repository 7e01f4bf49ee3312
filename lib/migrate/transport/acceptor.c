/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/migrate/transport/acceptor.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/process.h"
#include "lib/migrate/protocol/control_link.h"

static const struct domm_acceptor_ops *const kinds[DOMM_DATA_KINDS] = {
    [DOMM_DATA_SSH] = &domm_acceptor_ssh,
    [DOMM_DATA_TLS] = &domm_acceptor_tls,
    [DOMM_DATA_TCP] = &domm_acceptor_tcp,
};

static int acceptor_watch(struct domm_acceptor *acceptor, int fd, struct domm_error *err)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(acceptor->epoll, EPOLL_CTL_ADD, fd, &event))
        return domm_fail_errno(err, DOMM_FAILED, errno, "waiting for streams");
    return 0;
}

/* Closing a descriptor does not remove it from epoll while another process has it open. */
static void unwatch(struct domm_acceptor *acceptor, int fd)
{
    (void)epoll_ctl(acceptor->epoll, EPOLL_CTL_DEL, fd, NULL);
}

static void drop(struct domm_acceptor *acceptor, struct domm_pending_connection *pending)
{
    if (pending->fd >= 0) {
        unwatch(acceptor, pending->fd);
        close(pending->fd);
    }
    if (pending->brought >= 0)
        close(pending->brought);
    domm_process_kill(pending->relay);
    *pending = (struct domm_pending_connection){.fd = -1, .brought = -1};
}

static int acceptor_listen(struct domm_acceptor *acceptor, const struct domm_uuid *migration,
                           struct domm_message_streams *streams_r, struct domm_error *err)
{
    acceptor->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (acceptor->epoll < 0)
        return domm_fail_errno(err, DOMM_FAILED, errno, "waiting for streams");
    int rc = acceptor->kind->listen(acceptor, migration, streams_r, err);
    if (rc)
        return rc;
    rc = acceptor_watch(acceptor, acceptor->listener, err);
    if (rc)
        return rc;
    acceptor->is_open = true;
    return 0;
}

int domm_acceptor_open(struct domm_log *log, enum domm_data data, const struct domm_uuid *migration,
                       struct domm_acceptor **acceptor_r, struct domm_message_streams *streams_r,
                       struct domm_error *err)
{
    *streams_r = (struct domm_message_streams){.port = 0};
    struct domm_acceptor *acceptor = calloc(1, sizeof(*acceptor));
    if (!acceptor)
        return domm_no_memory(err);
    acceptor->kind = kinds[data];
    acceptor->log = log;
    acceptor->listener = -1;
    for (unsigned int i = 0; i < DOMM_ACCEPTOR_PENDING; i++)
        acceptor->pending[i] = (struct domm_pending_connection){.fd = -1, .brought = -1};
    for (unsigned int i = 0; i < DOMM_ACCEPTOR_GUESTS; i++)
        acceptor->guests[i].fd = -1;
    int rc = acceptor_listen(acceptor, migration, streams_r, err);
    if (rc)
        domm_acceptor_close(acceptor);
    else
        *acceptor_r = acceptor;
    return rc;
}

void domm_acceptor_close(struct domm_acceptor *acceptor)
{
    if (!acceptor)
        return;
    for (unsigned int i = 0; i < DOMM_ACCEPTOR_PENDING; i++)
        drop(acceptor, &acceptor->pending[i]);
    for (unsigned int i = 0; i < DOMM_ACCEPTOR_GUESTS; i++) {
        if (acceptor->guests[i].fd >= 0)
            close(acceptor->guests[i].fd);
        domm_process_kill(acceptor->guests[i].relay);
    }
    if (acceptor->path[0])
        unlink(acceptor->path);
    if (acceptor->listener >= 0)
        close(acceptor->listener);
    if (acceptor->epoll >= 0)
        close(acceptor->epoll);
    free(acceptor);
}

int domm_acceptor_fd(const struct domm_acceptor *acceptor)
{
    return acceptor->epoll;
}

/* A connection that ends before it is accepted is no failure of this host; accept(2). */
static bool is_of_the_network(int reason)
{
    static const int reasons[] = {EAGAIN,   EINTR,        ECONNABORTED, EPROTO,
                                  ENETDOWN, ENOPROTOOPT,  EPERM,        EHOSTDOWN,
                                  ENONET,   EHOSTUNREACH, EOPNOTSUPP,   ENETUNREACH};
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
        if (reason == reasons[i])
            return true;
    }
    return false;
}

static void name(const struct sockaddr_storage *address, socklen_t size,
                 struct domm_pending_connection *pending)
{
    char host[48], port[8];
    if (address->ss_family == AF_UNIX)
        snprintf(pending->from, sizeof(pending->from), "a process of this host");
    else if (getnameinfo((const struct sockaddr *)address, size, host, sizeof(host), port,
                         sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) == 0)
        snprintf(pending->from, sizeof(pending->from), "%s port %s", host, port);
    else
        snprintf(pending->from, sizeof(pending->from), "somebody");
}

static int let_in(struct domm_acceptor *acceptor, struct domm_pending_connection *pending,
                  struct domm_error *err)
{
    struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
    socklen_t size = sizeof(address);
    int connection = accept4(acceptor->listener, (struct sockaddr *)&address, &size, SOCK_CLOEXEC);
    if (connection < 0 && is_of_the_network(errno))
        return 0;
    if (connection < 0)
        return domm_fail_errno(err, DOMM_FAILED, errno, "accepting a stream");
    name(&address, size, pending);
    pending->deadline_ms = domm_now_ms() + DOMM_ACCEPTOR_PATIENCE_MS;
    int rc = acceptor->kind->begin(acceptor, connection, pending, err);
    if (rc)
        close(connection);
    else
        rc = acceptor_watch(acceptor, pending->fd, err);
    if (rc)
        drop(acceptor, pending);
    return rc;
}

/* Accepts as many waiting connections as there is room for. */
static int let_all_in(struct domm_acceptor *acceptor, struct domm_error *err)
{
    int rc = 0;
    bool full = true;
    for (unsigned int i = 0; !rc && i < DOMM_ACCEPTOR_PENDING; i++) {
        if (acceptor->pending[i].fd < 0)
            rc = let_in(acceptor, &acceptor->pending[i], err);
        full = full && acceptor->pending[i].fd >= 0;
    }
    if (!rc && full && acceptor->is_open)
        unwatch(acceptor, acceptor->listener);
    else if (!rc && !full && !acceptor->is_open)
        rc = acceptor_watch(acceptor, acceptor->listener, err);
    acceptor->is_open = !full;
    return rc;
}

static int acceptor_admit(struct domm_acceptor *acceptor, struct domm_pending_connection *pending,
                          int *fd_r, struct domm_error *err)
{
    if (pending->guest >= DOMM_ACCEPTOR_GUESTS)
        return domm_fail(err, DOMM_REFUSED, "there is no guest %u", pending->guest);
    struct domm_accepted_stream *guest = &acceptor->guests[pending->guest];
    if (guest->taken)
        return domm_fail(err, DOMM_REFUSED, "the stream of guest %u is connected already",
                         pending->guest);
    unwatch(acceptor, pending->fd);
    int rc = acceptor->kind->admit(acceptor, pending, fd_r, err);
    if (rc)
        return rc;
    *guest =
        (struct domm_accepted_stream){.taken = true, .fd = pending->fd, .relay = pending->relay};
    return 0;
}

static int attend(struct domm_acceptor *acceptor, struct domm_pending_connection *pending,
                  unsigned int *guest_r, int *fd_r, struct domm_error *err)
{
    bool known = false;
    if (pending->fd < 0)
        return 0;
    int rc = acceptor->kind->authenticate(acceptor, pending, &known, err);
    if (!rc && !known && domm_now_ms() >= pending->deadline_ms)
        rc = domm_fail(err, DOMM_REFUSED, "it did not authenticate in time");
    if (!rc && known)
        rc = acceptor_admit(acceptor, pending, fd_r, err);
    if (rc) {
        domm_wrap(err, "rejected a stream from %s", pending->from);
        drop(acceptor, pending);
    } else if (known) {
        *guest_r = pending->guest;
        *pending = (struct domm_pending_connection){.fd = -1, .brought = -1};
    }
    return rc;
}

/* Round robin, so that many strangers cannot delay the expected source. */
int domm_acceptor_take(struct domm_acceptor *acceptor, unsigned int *guest_r, int *fd_r,
                       struct domm_error *err)
{
    *fd_r = -1;
    int rc = let_all_in(acceptor, err);
    for (unsigned int i = 0; !rc && *fd_r < 0 && i < DOMM_ACCEPTOR_PENDING; i++) {
        struct domm_pending_connection *pending = &acceptor->pending[acceptor->turn];
        acceptor->turn = (acceptor->turn + 1) % DOMM_ACCEPTOR_PENDING;
        rc = attend(acceptor, pending, guest_r, fd_r, err);
    }
    return rc;
}
