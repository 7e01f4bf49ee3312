/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/stream/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/sleep.h"

/* poll(2) does not report further bytes of a stream that has begun. */
#define TRICKLE_MS 10

const unsigned char domm_libxl_begin[DOMM_LIBXL_BEGIN_BYTES] = {
    'L', 'i', 'b', 'x', 'l', 'F', 'm', 't', 0, 0, 0, 2, 0, 0, 0, 0, /* header */
    1,   0,   0,   0,   0,   0,   0,   0,                           /* LIBXC_CONTEXT */
};

const unsigned char domm_libxl_end[DOMM_LIBXL_END_BYTES];

static int await_bytes(int fd, struct domm_error *err)
{
    for (;;) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN | POLLRDHUP};
        int held = 0;
        if (poll(&poll_fd, 1, -1) < 0 && errno != EINTR)
            return domm_fail_errno(err, DOMM_FAILED, errno, "waiting for the stream");
        if (ioctl(fd, FIONREAD, &held))
            return domm_fail_errno(err, DOMM_FAILED, errno, "peeking at the stream");
        if (held >= DOMM_LIBXL_BEGIN_BYTES)
            return 0;
        if (poll_fd.revents & (POLLHUP | POLLRDHUP | POLLERR))
            return domm_fail(err, DOMM_FAILED, "the stream ended before its header");
        domm_sleep_ms(TRICKLE_MS);
    }
}

static ssize_t peek_pipe(int fd, unsigned char *bytes)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC))
        return -1;
    cleanup_fd int output = ends[0];
    cleanup_fd int input = ends[1];
    ssize_t size = tee(fd, input, DOMM_LIBXL_BEGIN_BYTES, 0);
    return size > 0 ? read(output, bytes, (size_t)size) : size;
}

/* A peek at a socket may return only the bytes of one segment. */
static ssize_t peek(int fd, unsigned char *bytes)
{
    ssize_t size = recv(fd, bytes, DOMM_LIBXL_BEGIN_BYTES, MSG_PEEK);
    return size < 0 && errno == ENOTSOCK ? peek_pipe(fd, bytes) : size;
}

int domm_libxl_await(int fd, struct domm_error *err)
{
    unsigned char bytes[DOMM_LIBXL_BEGIN_BYTES];
    int rc = await_bytes(fd, err);
    if (rc)
        return rc;
    ssize_t size = peek(fd, bytes);
    if (size <= 0)
        return domm_fail_errno(err, DOMM_FAILED, errno, "peeking at the stream");
    if (memcmp(bytes, domm_libxl_begin, (size_t)size) != 0)
        return domm_fail(err, DOMM_REFUSED, "the received data is not the stream of a guest");
    return 0;
}
