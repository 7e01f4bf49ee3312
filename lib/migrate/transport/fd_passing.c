/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/migrate/transport/fd_passing.h"

#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

union control {
    struct cmsghdr head;
    char room[CMSG_SPACE(sizeof(int))];
};

ssize_t domm_fd_send(int connection, const void *bytes, size_t size, int fd)
{
    struct iovec part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = size};
    union control control = {.room = {0}};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd >= 0) {
        message.msg_control = &control;
        message.msg_controllen = sizeof(control);
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        *head = (struct cmsghdr){
            .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
        memcpy(CMSG_DATA(head), &fd, sizeof(fd));
    }
    return sendmsg(connection, &message, MSG_NOSIGNAL);
}

ssize_t domm_fd_receive(int connection, void *bytes, size_t size, int flags, int *fd_r)
{
    struct iovec part = {.iov_base = bytes, .iov_len = size};
    union control control = {.room = {0}};
    struct msghdr message = {
        .msg_iov = &part,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = CMSG_LEN(sizeof(int)), /* CMSG_SPACE would admit a second one */
    };
    *fd_r = -1;
    ssize_t got = recvmsg(connection, &message, flags | MSG_CMSG_CLOEXEC);
    const struct cmsghdr *head = got >= 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS &&
        head->cmsg_len == CMSG_LEN(sizeof(int)))
        memcpy(fd_r, CMSG_DATA(head), sizeof(*fd_r));
    return got;
}
