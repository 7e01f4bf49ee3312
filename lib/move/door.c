/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/move/door.h"

#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/move/peer.h"

static const struct domm_door_kind *const kinds[DOMM_DATA_KINDS] = {
    [DOMM_DATA_SSH] = &domm_door_ssh,
    [DOMM_DATA_TLS] = &domm_door_tls,
    [DOMM_DATA_TCP] = &domm_door_tcp,
};

static int watch(struct domm_door *door, int fd, struct domm_error *err)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(door->epoll, EPOLL_CTL_ADD, fd, &event))
        return domm_fail_errno(err, DOMM_FAILED, errno, "waiting for streams");
    return 0;
}

/* To be told: what somebody else has open as well would not leave by being closed here. */
static void unwatch(struct domm_door *door, int fd)
{
    (void)epoll_ctl(door->epoll, EPOLL_CTL_DEL, fd, NULL);
}

static void end_relay(pid_t relay)
{
    if (relay <= 0)
        return;
    kill(relay, SIGKILL);
    while (waitpid(relay, NULL, 0) < 0 && errno == EINTR)
        ;
}

static void drop(struct domm_door *door, struct domm_arrival *arrival)
{
    if (arrival->fd >= 0) {
        unwatch(door, arrival->fd);
        close(arrival->fd);
    }
    if (arrival->brought >= 0)
        close(arrival->brought);
    end_relay(arrival->relay);
    *arrival = (struct domm_arrival){.fd = -1, .brought = -1};
}

int domm_door_open(enum domm_data data, const struct domm_uuid *migration,
                   struct domm_door **door_r, struct domm_wire_streams *streams_r,
                   struct domm_error *err)
{
    *streams_r = (struct domm_wire_streams){.port = 0};
    struct domm_door *door = calloc(1, sizeof(*door));
    if (!door)
        return domm_no_memory(err);
    door->kind = kinds[data];
    door->listener = -1;
    for (unsigned int i = 0; i < DOMM_DOOR_ARRIVALS; i++)
        door->arrivals[i] = (struct domm_arrival){.fd = -1, .brought = -1};
    for (unsigned int i = 0; i < DOMM_DOOR_GUESTS; i++)
        door->guests[i].fd = -1;
    door->epoll = epoll_create1(EPOLL_CLOEXEC);
    int rc = 0;
    if (door->epoll < 0)
        rc = domm_fail_errno(err, DOMM_FAILED, errno, "waiting for streams");
    rc = rc ? rc : door->kind->listen(door, migration, streams_r, err);
    rc = rc ? rc : watch(door, door->listener, err);
    door->is_open = !rc;
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
    for (unsigned int i = 0; i < DOMM_DOOR_ARRIVALS; i++)
        drop(door, &door->arrivals[i]);
    for (unsigned int i = 0; i < DOMM_DOOR_GUESTS; i++) {
        if (door->guests[i].fd >= 0)
            close(door->guests[i].fd);
        end_relay(door->guests[i].relay);
    }
    if (door->path[0])
        unlink(door->path);
    if (door->listener >= 0)
        close(door->listener);
    if (door->epoll >= 0)
        close(door->epoll);
    free(door);
}

int domm_door_fd(const struct domm_door *door)
{
    return door->epoll;
}

/* What ends a connection before it was accepted is no failure of this host's; accept(2). */
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
                 struct domm_arrival *arrival)
{
    char host[48], port[8];
    if (address->ss_family == AF_UNIX)
        snprintf(arrival->from, sizeof(arrival->from), "a process of this host");
    else if (getnameinfo((const struct sockaddr *)address, size, host, sizeof(host), port,
                         sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV) == 0)
        snprintf(arrival->from, sizeof(arrival->from), "%s port %s", host, port);
    else
        snprintf(arrival->from, sizeof(arrival->from), "somebody");
}

static int let_in(struct domm_door *door, struct domm_arrival *arrival, struct domm_error *err)
{
    struct sockaddr_storage address = {.ss_family = AF_UNSPEC};
    socklen_t size = sizeof(address);
    int connection = accept4(door->listener, (struct sockaddr *)&address, &size, SOCK_CLOEXEC);
    if (connection < 0 && is_of_the_network(errno))
        return 0;
    if (connection < 0)
        return domm_fail_errno(err, DOMM_FAILED, errno, "taking a guest's stream");
    name(&address, size, arrival);
    arrival->deadline_ms = domm_peer_now_ms() + DOMM_DOOR_PATIENCE_MS;
    int rc = door->kind->begin(door, connection, arrival, err);
    if (rc)
        close(connection);
    rc = rc ? rc : watch(door, arrival->fd, err);
    if (rc)
        drop(door, arrival);
    return rc;
}

/* Lets in who waits outside, as many as there is room for. */
static int let_all_in(struct domm_door *door, struct domm_error *err)
{
    int rc = 0;
    bool full = true;
    for (unsigned int i = 0; !rc && i < DOMM_DOOR_ARRIVALS; i++) {
        if (door->arrivals[i].fd < 0)
            rc = let_in(door, &door->arrivals[i], err);
        full = full && door->arrivals[i].fd >= 0;
    }
    if (!rc && full && door->is_open)
        unwatch(door, door->listener);
    else if (!rc && !full && !door->is_open)
        rc = watch(door, door->listener, err);
    door->is_open = !full;
    return rc;
}

int domm_door_collect(struct domm_arrival *arrival, void *into, size_t size, bool *whole_r,
                      struct domm_error *err)
{
    ssize_t n = recv(arrival->fd, (char *)into + arrival->have, size - arrival->have, MSG_DONTWAIT);
    if (n == 0)
        return domm_fail(err, DOMM_REFUSED, "it has closed the connection");
    if (n < 0 && errno != EAGAIN && errno != EINTR)
        return domm_fail_errno(err, DOMM_REFUSED, errno, "it has closed the connection");
    arrival->have += n > 0 ? (size_t)n : 0;
    *whole_r = arrival->have == size;
    return 0;
}

static int admit(struct domm_door *door, struct domm_arrival *arrival, int *fd_r,
                 struct domm_error *err)
{
    if (arrival->guest >= DOMM_DOOR_GUESTS)
        return domm_fail(err, DOMM_REFUSED, "there is no guest %u", arrival->guest);
    struct domm_taken *guest = &door->guests[arrival->guest];
    if (guest->taken)
        return domm_fail(err, DOMM_REFUSED, "the stream of guest %u has come already",
                         arrival->guest);
    unwatch(door, arrival->fd);
    int rc = door->kind->admit(arrival, fd_r, err);
    if (rc)
        return rc;
    *guest = (struct domm_taken){.taken = true, .fd = arrival->fd, .relay = arrival->relay};
    return 0;
}

static int attend(struct domm_door *door, struct domm_arrival *arrival, unsigned int *guest_r,
                  int *fd_r, struct domm_error *err)
{
    bool known = false;
    if (arrival->fd < 0)
        return 0;
    int rc = door->kind->hear(door, arrival, &known, err);
    if (!rc && !known && domm_peer_now_ms() >= arrival->deadline_ms)
        rc = domm_fail(err, DOMM_REFUSED, "it has not said in time who it is");
    if (!rc && known)
        rc = admit(door, arrival, fd_r, err);
    if (rc) {
        domm_wrap(err, "%s was turned away from where guests' streams arrive", arrival->from);
        drop(door, arrival);
    } else if (known) {
        *guest_r = arrival->guest;
        *arrival = (struct domm_arrival){.fd = -1, .brought = -1};
    }
    return rc;
}

/* In turn, so that a flood of strangers does not keep away who is expected. */
int domm_door_take(struct domm_door *door, unsigned int *guest_r, int *fd_r, struct domm_error *err)
{
    *fd_r = -1;
    int rc = let_all_in(door, err);
    for (unsigned int i = 0; !rc && *fd_r < 0 && i < DOMM_DOOR_ARRIVALS; i++) {
        struct domm_arrival *arrival = &door->arrivals[door->turn];
        door->turn = (door->turn + 1) % DOMM_DOOR_ARRIVALS;
        rc = attend(door, arrival, guest_r, fd_r, err);
    }
    return rc;
}
