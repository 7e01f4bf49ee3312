/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What arrives over the control link, cut anywhere. */
#include "tests/fuzz/fuzz.h"

#include <sys/socket.h>
#include <unistd.h>

#include "lib/migrate/protocol/control_link.h"

#define PIECES 8

static bool receive_all(struct domm_control_link *link)
{
    struct domm_message message;
    struct domm_error err;
    bool got = true;
    while (got) {
        if (domm_control_link_receive(link, &message, &got, &err))
            return false;
        MUST(link->have <= sizeof(link->input) && link->used <= link->have);
        MUST(!got || domm_message_may_send(!link->source, message.type));
    }
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct domm_control_link link;
    struct fuzz_input input = {data, size};
    struct domm_error err;
    int ends[2];
    bool source = fuzz_below(&input, 1, 2), more = true;
    MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) == 0);
    MUST(domm_control_link_begin(&link, source, ends[0], ends[0], &err) == 0);
    for (size_t i = 0; more && input.size && i < PIECES; i++) {
        size_t piece = 1 + fuzz_below(&input, 2, 1 + input.size);
        piece = piece < input.size ? piece : input.size;
        ssize_t written = write(ends[1], input.data, piece);
        MUST(written >= 0);
        input.data += written;
        input.size -= (size_t)written;
        more = receive_all(&link);
    }
    domm_control_link_end(&link);
    close(ends[0]);
    close(ends[1]);
    return 0;
}
