/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/net/changes.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/poll.h"

int domm_net_changes_open(int *fd_r, struct domm_error *err)
{
    const struct sockaddr_nl address = {.nl_family = AF_NETLINK,
                                        .nl_groups = RTMGRP_LINK | RTMGRP_TC};
    *fd_r = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
    if (*fd_r < 0)
        return domm_fail_errno(err, DOMM_FAILED, errno, "opening a routing netlink socket");
    if (bind(*fd_r, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return 0;
    domm_fail_errno(err, DOMM_FAILED, errno, "listening for changes of network devices");
    close(*fd_r);
    *fd_r = -1;
    return -DOMM_FAILED;
}

/* ENOBUFS: there was more than fits. That too is news, and said once. */
void domm_net_changes_drop(int fd)
{
    char byte;
    while (recv(fd, &byte, sizeof(byte), MSG_TRUNC | MSG_DONTWAIT) >= 0 || errno == EINTR ||
           errno == ENOBUFS)
        ;
}

bool domm_net_changes_wait(int fd, int64_t end_ms)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    return domm_now_ms() < end_ms && domm_poll_until(&poll_fd, 1, end_ms) > 0;
}
