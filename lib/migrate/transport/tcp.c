/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/migrate/transport/tcp.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* The control link detects a dead host sooner and decides about the migration; this only ends
 * connections that would be left. A receiver that reads nothing for so long is lost as well. */
#define LOST_MS 60000
#define IDLE_S 15
#define INTERVAL_S 5

static void set(int fd, int level, int option, int value)
{
    (void)setsockopt(fd, level, option, &value, sizeof(value)); /* it works without it */
}

void domm_tcp_guard(int fd)
{
    set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set(fd, IPPROTO_TCP, TCP_KEEPIDLE, IDLE_S);
    set(fd, IPPROTO_TCP, TCP_KEEPINTVL, INTERVAL_S);
    set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, LOST_MS);
}

/* One socket for IPv4 and IPv6 where the host has IPv6. */
static int bind_any(void)
{
    const struct sockaddr_in6 any6 = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_ANY_INIT};
    const struct sockaddr_in any4 = {.sin_family = AF_INET};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0) {
        set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
        if (bind(fd, (const struct sockaddr *)&any6, sizeof(any6)) == 0)
            return fd;
        close(fd);
    }
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd >= 0 && bind(fd, (const struct sockaddr *)&any4, sizeof(any4))) {
        int reason = errno;
        close(fd);
        errno = reason;
        return -1;
    }
    return fd;
}

int domm_tcp_listen(int *listener_r, uint16_t *port_r, struct domm_error *err)
{
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
    } address;
    socklen_t size = sizeof(address);
    int fd = bind_any();
    if (fd < 0 || listen(fd, SOMAXCONN) || getsockname(fd, &address.any, &size)) {
        int rc = domm_fail_errno(err, DOMM_FAILED, errno, "listening for streams");
        if (fd >= 0)
            close(fd);
        return rc;
    }
    *port_r =
        ntohs(address.any.sa_family == AF_INET6 ? address.in6.sin6_port : address.in.sin_port);
    *listener_r = fd;
    return 0;
}

static int tcp_find(const char *host, uint16_t port, struct addrinfo **found_r,
                    struct domm_error *err)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    char text[8];
    snprintf(text, sizeof(text), "%u", port);
    int reason = getaddrinfo(host, text, &hints, found_r);
    if (!reason)
        return 0;
    domm_fail(err, DOMM_NOT_FOUND, "finding the address of %s: %s", host,
              reason == EAI_SYSTEM ? strerror(errno) : gai_strerror(reason));
    return domm_hint(err, "if this is an alias of ssh_config, use --data ssh");
}

/* 0 or errno. */
static int try(const struct addrinfo *address, int timeout_ms, int *fd_r)
{
    static const struct timeval none;
    const struct timeval patience = {.tv_sec = timeout_ms / 1000,
                                     .tv_usec = timeout_ms % 1000 * 1000};
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (connect(fd, address->ai_addr, address->ai_addrlen)) {
        int reason = errno == EINPROGRESS ? ETIMEDOUT : errno;
        close(fd);
        return reason;
    }
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &none, sizeof(none));
    domm_tcp_guard(fd);
    *fd_r = fd;
    return 0;
}

int domm_tcp_connect(const char *host, uint16_t port, int timeout_ms, int *fd_r,
                     struct domm_error *err)
{
    const char *at = strrchr(host, '@');
    const char *name = at ? at + 1 : host;
    struct addrinfo *found;
    int count = 0, reason = ENOENT;
    int rc = tcp_find(name, port, &found, err);
    if (rc)
        return rc;
    for (const struct addrinfo *each = found; each; each = each->ai_next)
        count++;
    for (const struct addrinfo *each = found; each && reason; each = each->ai_next)
        reason = try(each, timeout_ms / count, fd_r);
    freeaddrinfo(found);
    if (!reason)
        return 0;
    domm_fail_errno(err, DOMM_FAILED, reason, "connecting to %s, TCP port %u", name, port);
    return domm_hint(err, "a firewall may block it: --data ssh needs no port of its own");
}
