/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Streams by ssh: a process started by sshd passes its standard input through a socket. */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/paths.h"
#include "lib/migrate/transport/acceptor.h"
#include "lib/migrate/transport/fd_passing.h"

static void socket_address(const struct domm_uuid *migration, struct sockaddr_un *address_r)
{
    char uuid[DOMM_UUID_TEXT];
    domm_uuid_format(migration, uuid);
    *address_r = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(address_r->sun_path, sizeof(address_r->sun_path), "%.40s/receive-%s.socket",
             domm_run_directory, uuid);
}

/* The mode of the socket becomes the mode of its file: only root may ever connect. */
static int listen_ssh(struct domm_acceptor *acceptor, const struct domm_uuid *migration,
                      struct domm_message_streams *streams_r, struct domm_error *err)
{
    struct sockaddr_un address;
    (void)streams_r;
    socket_address(migration, &address);
    acceptor->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (acceptor->listener < 0 || fchmod(acceptor->listener, 0600) ||
        bind(acceptor->listener, (const struct sockaddr *)&address, sizeof(address)))
        return domm_fail_errno(err, DOMM_FAILED, errno, "making %s", address.sun_path);
    snprintf(acceptor->path, sizeof(acceptor->path), "%s", address.sun_path);
    if (listen(acceptor->listener, DOMM_ACCEPTOR_GUESTS))
        return domm_fail_errno(err, DOMM_FAILED, errno, "listening at %s", address.sun_path);
    return 0;
}

static int begin_ssh(struct domm_acceptor *acceptor, int connection,
                     struct domm_pending_connection *pending, struct domm_error *err)
{
    (void)acceptor;
    (void)err;
    pending->fd = connection;
    return 0;
}

/* Receives one message with a guest's number and a descriptor. */
static int authenticate_ssh(struct domm_acceptor *acceptor, struct domm_pending_connection *pending,
                            bool *known_r, struct domm_error *err)
{
    uint32_t number;
    (void)acceptor;
    ssize_t size =
        domm_fd_receive(pending->fd, &number, sizeof(number), MSG_DONTWAIT, &pending->brought);
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (size != sizeof(number) || pending->brought < 0)
        return domm_fail(err, DOMM_REFUSED, "it does not bring a guest's stream");
    pending->guest = number;
    *known_r = true;
    return 0;
}

static int admit_ssh(struct domm_acceptor *acceptor, struct domm_pending_connection *pending,
                     int *stream_r, struct domm_error *err)
{
    int rc = domm_pending_connection_relay(pending, pending->brought, acceptor, stream_r, err);
    if (rc)
        return rc;
    close(pending->brought);
    pending->brought = -1;
    return 0;
}

const struct domm_acceptor_ops domm_acceptor_ssh = {listen_ssh, begin_ssh, authenticate_ssh,
                                                    admit_ssh};

int domm_acceptor_deliver(const struct domm_uuid *migration, unsigned int guest, int fd,
                          struct domm_error *err)
{
    struct sockaddr_un address;
    const uint32_t number = guest;
    char nothing;
    cleanup_fd int connection = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    socket_address(migration, &address);
    if (connection < 0 || connect(connection, (const struct sockaddr *)&address, sizeof(address)) ||
        domm_fd_send(connection, &number, sizeof(number), fd) < 0)
        return domm_fail_errno(err, DOMM_NOT_FOUND, errno,
                               "no migration expects a stream at the socket %s", address.sun_path);
    close(fd); /* the acceptor then has the only copy, so that its end is seen by the writer */
    while (recv(connection, &nothing, sizeof(nothing), 0) > 0)
        ;
    return 0;
}
