/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/move/data.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/pair/lock.h"

extern char **environ;

struct domm_door {
    int listener;
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
    unsigned int n_taken;
    int taken[1 + DOMM_RECORD_MAX_TARGETS]; /* whoever delivered waits until these are closed */
};

/* ssh leaves a signal ignored that it finds ignored. */
static int spawn(char *const *argv, int in, int out, pid_t *pid_r)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    struct sigaction old[4], ignore = {.sa_handler = SIG_IGN};
    static const int signals[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP};
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    for (size_t i = 0; i < 4; i++)
        sigaction(signals[i], &ignore, &old[i]);
    int reason = posix_spawnp(pid_r, argv[0], &actions, &attributes, argv, environ);
    for (size_t i = 0; i < 4; i++)
        sigaction(signals[i], &old[i], NULL);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return reason;
}

int domm_stream_spawn(char *const *argv, int *in_r, int *out_r, pid_t *pid_r,
                      struct domm_error *err)
{
    int in[2], out[2];
    if (pipe2(in, O_CLOEXEC))
        return domm_fail_errno(err, DOMM_FAILED, errno, "making a pipe");
    if (pipe2(out, O_CLOEXEC)) {
        close(in[0]);
        close(in[1]);
        return domm_fail_errno(err, DOMM_FAILED, errno, "making a pipe");
    }
    int reason = spawn(argv, in[0], out[1], pid_r);
    close(in[0]);
    close(out[1]);
    if (reason) {
        close(in[1]);
        close(out[0]);
        return domm_fail_errno(err, DOMM_NOT_FOUND, reason, "starting %s", argv[0]);
    }
    *in_r = in[1];
    *out_r = out[0];
    return 0;
}

static int connect_ssh(const struct domm_route *route, unsigned int guest,
                       struct domm_stream *stream_r, struct domm_error *err)
{
    char *argv[DOMM_SSH_WORDS + 8], uuid[DOMM_UUID_TEXT], number[16];
    char domm[] = "domm", receive[] = "receive", stream[] = "--stream", which[] = "--guest";
    size_t n = 0;
    int out;
    while (n < DOMM_SSH_WORDS && route->ssh[n]) {
        argv[n] = route->ssh[n];
        n++;
    }
    domm_uuid_format(&route->migration, uuid);
    snprintf(number, sizeof(number), "%u", guest);
    char *const command[] = {domm, receive, stream, uuid, which, number, NULL};
    memcpy(argv + n, command, sizeof(command));
    int rc = domm_stream_spawn(argv, &stream_r->fd, &out, &stream_r->ssh, err);
    if (!rc)
        close(out); /* it says nothing */
    return rc;
}

int domm_stream_connect(const struct domm_route *route, unsigned int guest,
                        struct domm_stream *stream_r, struct domm_error *err)
{
    *stream_r = (struct domm_stream){.fd = -1};
    if (route->data == DOMM_DATA_SSH)
        return connect_ssh(route, guest, stream_r, err);
    return domm_fail(err, DOMM_FAILED, "this way of sending is not there");
}

void domm_stream_close(struct domm_stream *stream)
{
    if (stream->fd >= 0)
        close(stream->fd);
    if (stream->ssh > 0) {
        kill(stream->ssh, SIGKILL);
        while (waitpid(stream->ssh, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    *stream = (struct domm_stream){.fd = -1};
}

/* Only root may go there. */
static void socket_path(const struct domm_uuid *migration, struct sockaddr_un *address_r)
{
    char uuid[DOMM_UUID_TEXT];
    domm_uuid_format(migration, uuid);
    *address_r = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(address_r->sun_path, sizeof(address_r->sun_path),
             DOMM_RUN_DIRECTORY "/receive-%s.socket", uuid);
}

static int listen_at(struct domm_door *door, const struct sockaddr_un *address,
                     struct domm_error *err)
{
    mode_t mask = umask(0077);
    int failed = bind(door->listener, (const struct sockaddr *)address, sizeof(*address));
    int reason = errno;
    umask(mask);
    if (!failed)
        snprintf(door->path, sizeof(door->path), "%s", address->sun_path);
    if (!failed && listen(door->listener, 8)) {
        failed = 1;
        reason = errno;
    }
    return failed ? domm_fail_errno(err, DOMM_FAILED, reason, "listening at %s", address->sun_path)
                  : 0;
}

int domm_door_open(enum domm_data data, const struct domm_uuid *migration,
                   struct domm_door **door_r, struct domm_wire_streams *streams_r,
                   struct domm_error *err)
{
    struct sockaddr_un address;
    struct domm_door *door = calloc(1, sizeof(*door));
    *streams_r = (struct domm_wire_streams){.port = 0};
    if (!door)
        return domm_no_memory(err);
    int rc = 0;
    if (data != DOMM_DATA_SSH)
        rc = domm_fail(err, DOMM_REFUSED, "this way of sending is not there");
    door->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (!rc && door->listener < 0)
        rc = domm_fail_errno(err, DOMM_FAILED, errno, "making a socket");
    socket_path(migration, &address);
    rc = rc ? rc : listen_at(door, &address, err);
    if (rc)
        domm_door_close(door);
    else
        *door_r = door;
    return rc;
}

void domm_door_close(struct domm_door *door)
{
    if (!door)
        return;
    for (unsigned int i = 0; i < door->n_taken; i++)
        close(door->taken[i]);
    if (door->path[0])
        unlink(door->path);
    if (door->listener >= 0)
        close(door->listener);
    free(door);
}

int domm_door_fd(const struct domm_door *door)
{
    return door->listener;
}

/* One message with a number and a descriptor. -1 if it is not that. */
static int receive(int connection, unsigned int *guest_r)
{
    uint32_t number = 0;
    struct iovec part = {.iov_base = &number, .iov_len = sizeof(number)};
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control)};
    ssize_t size = recvmsg(connection, &message, MSG_CMSG_CLOEXEC);
    struct cmsghdr *head = size == sizeof(number) ? CMSG_FIRSTHDR(&message) : NULL;
    if (!head || head->cmsg_type != SCM_RIGHTS || head->cmsg_len != CMSG_LEN(sizeof(int)))
        return -1;
    int fd;
    memcpy(&fd, CMSG_DATA(head), sizeof(fd));
    *guest_r = number;
    return fd;
}

/* Whoever connects is root, and sends at once. */
static int take(struct domm_door *door, int connection, unsigned int *guest_r, int *fd_r,
                struct domm_error *err)
{
    const struct timeval patience = {.tv_sec = 2};
    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    *fd_r = receive(connection, guest_r);
    if (*fd_r >= 0 && door->n_taken < 1 + DOMM_RECORD_MAX_TARGETS) {
        door->taken[door->n_taken++] = connection;
        return 0;
    }
    if (*fd_r >= 0)
        close(*fd_r);
    *fd_r = -1;
    close(connection);
    return domm_fail(err, DOMM_REFUSED, "somebody brought something else than a guest's stream");
}

int domm_door_take(struct domm_door *door, unsigned int *guest_r, int *fd_r, struct domm_error *err)
{
    *fd_r = -1;
    int connection = accept4(door->listener, NULL, NULL, SOCK_CLOEXEC);
    if (connection < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED))
        return 0;
    if (connection < 0)
        return domm_fail_errno(err, DOMM_FAILED, errno, "taking a guest's stream");
    return take(door, connection, guest_r, fd_r, err);
}

static int send_descriptor(int connection, uint32_t number, int fd)
{
    struct iovec part = {.iov_base = &number, .iov_len = sizeof(number)};
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {.room = {0}};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control)};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    *head = (struct cmsghdr){
        .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
    memcpy(CMSG_DATA(head), &fd, sizeof(fd));
    return sendmsg(connection, &message, MSG_NOSIGNAL) == sizeof(number) ? 0 : -1;
}

int domm_door_deliver(const struct domm_uuid *migration, unsigned int guest, int fd,
                      struct domm_error *err)
{
    struct sockaddr_un address;
    char nothing;
    cleanup_fd int connection = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    socket_path(migration, &address);
    if (connection < 0 || connect(connection, (const struct sockaddr *)&address, sizeof(address)) ||
        send_descriptor(connection, guest, fd))
        return domm_fail_errno(err, DOMM_NOT_FOUND, errno, "no migration expects a stream at %s",
                               address.sun_path);
    close(fd); /* who writes to it shall see when who reads from it ends */
    while (recv(connection, &nothing, sizeof(nothing), 0) > 0)
        ;
    return 0;
}
