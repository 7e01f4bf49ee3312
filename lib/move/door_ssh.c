/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Streams by ssh: a process that sshd has started brings its standard input to a socket. */
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/place.h"
#include "lib/move/descriptor.h"
#include "lib/move/door.h"

static void socket_address(const struct domm_uuid *migration, struct sockaddr_un *address_r)
{
    char uuid[DOMM_UUID_TEXT];
    domm_uuid_format(migration, uuid);
    *address_r = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(address_r->sun_path, sizeof(address_r->sun_path), "%.40s/receive-%s.socket",
             domm_run_directory, uuid);
}

/* The mode of the socket becomes that of the file: nobody but root may ever connect. */
static int listen_ssh(struct domm_door *door, const struct domm_uuid *migration,
                      struct domm_wire_streams *streams_r, struct domm_error *err)
{
    struct sockaddr_un address;
    (void)streams_r;
    socket_address(migration, &address);
    door->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (door->listener < 0 || fchmod(door->listener, 0600) ||
        bind(door->listener, (const struct sockaddr *)&address, sizeof(address)))
        return domm_fail_errno(err, DOMM_FAILED, errno, "making %s", address.sun_path);
    snprintf(door->path, sizeof(door->path), "%s", address.sun_path);
    if (listen(door->listener, DOMM_DOOR_GUESTS))
        return domm_fail_errno(err, DOMM_FAILED, errno, "listening at %s", address.sun_path);
    return 0;
}

static int begin_ssh(struct domm_door *door, int connection, struct domm_arrival *arrival,
                     struct domm_error *err)
{
    (void)door;
    (void)err;
    arrival->fd = connection;
    return 0;
}

/* One message with a number and a descriptor. */
static int hear_ssh(struct domm_door *door, struct domm_arrival *arrival, bool *known_r,
                    struct domm_error *err)
{
    uint32_t number;
    (void)door;
    ssize_t size = domm_descriptor_receive(arrival->fd, &number, sizeof(number), MSG_DONTWAIT,
                                           &arrival->brought);
    if (size < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (size != sizeof(number) || arrival->brought < 0)
        return domm_fail(err, DOMM_REFUSED, "it brings something else than a guest's stream");
    arrival->guest = number;
    *known_r = true;
    return 0;
}

static int admit_ssh(struct domm_arrival *arrival, int *stream_r, struct domm_error *err)
{
    (void)err;
    *stream_r = arrival->brought;
    return 0;
}

const struct domm_door_kind domm_door_ssh = {listen_ssh, begin_ssh, hear_ssh, admit_ssh};

int domm_door_deliver(const struct domm_uuid *migration, unsigned int guest, int fd,
                      struct domm_error *err)
{
    struct sockaddr_un address;
    const uint32_t number = guest;
    char nothing;
    cleanup_fd int connection = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    socket_address(migration, &address);
    if (connection < 0 || connect(connection, (const struct sockaddr *)&address, sizeof(address)) ||
        domm_descriptor_send(connection, &number, sizeof(number), fd) < 0)
        return domm_fail_errno(err, DOMM_NOT_FOUND, errno, "no migration expects a stream at %s",
                               address.sun_path);
    close(fd); /* who writes to it shall see when who reads from it ends */
    while (recv(connection, &nothing, sizeof(nothing), 0) > 0)
        ;
    return 0;
}
