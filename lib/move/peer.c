/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/move/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int64_t domm_peer_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int unblock(int fd, struct domm_error *err)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK))
        return domm_fail_errno(err, DOMM_FAILED, errno, "setting up the link");
    return 0;
}

int domm_peer_begin(struct domm_peer *peer_r, bool source, int in, int out, struct domm_error *err)
{
    memset(peer_r, 0, sizeof(*peer_r));
    peer_r->source = source;
    peer_r->in = in;
    peer_r->out = out;
    peer_r->heard_ms = peer_r->said_ms = domm_peer_now_ms();
    int rc = unblock(in, err);
    return rc ? rc : unblock(out, err);
}

void domm_peer_end(struct domm_peer *peer)
{
    free(peer->output);
    peer->output = NULL;
    peer->queued = peer->room = 0;
    peer->in = peer->out = -1;
}

static int queue(struct domm_peer *peer, const unsigned char *bytes, size_t size,
                 struct domm_error *err)
{
    if (peer->queued + size > peer->room) {
        size_t room = 2 * (peer->queued + size);
        unsigned char *grown = realloc(peer->output, room);
        if (!grown)
            return domm_no_memory(err);
        peer->output = grown;
        peer->room = room;
    }
    memcpy(peer->output + peer->queued, bytes, size);
    peer->queued += size;
    return 0;
}

int domm_peer_say(struct domm_peer *peer, const struct domm_wire *message, struct domm_error *err)
{
    static _Thread_local unsigned char frame[DOMM_WIRE_MAX_FRAME];
    size_t size;
    if (peer->out < 0)
        return domm_fail(err, DOMM_FAILED, "there is no link any more");
    int rc = domm_wire_encode(message, frame, &size, err);
    rc = rc ? rc : queue(peer, frame, size, err);
    peer->said_ms = domm_peer_now_ms();
    return rc ? rc : domm_peer_flush(peer, err);
}

int domm_peer_flush(struct domm_peer *peer, struct domm_error *err)
{
    size_t done = 0;
    int reason = 0;
    while (done < peer->queued && !reason) {
        ssize_t n = write(peer->out, peer->output + done, peer->queued - done);
        if (n >= 0)
            done += (size_t)n;
        else if (errno != EINTR)
            reason = errno;
    }
    peer->queued -= done;
    if (done)
        memmove(peer->output, peer->output + done, peer->queued);
    if (reason && reason != EAGAIN)
        return domm_fail_errno(err, DOMM_FAILED, reason, "writing to the other host");
    return 0;
}

/* Reads what is there, as long as there is room. */
static int fill(struct domm_peer *peer, struct domm_error *err)
{
    ssize_t n;
    do
        n = read(peer->in, peer->input + peer->have, sizeof(peer->input) - peer->have);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN)
        return 0;
    if (n < 0)
        return domm_fail_errno(err, DOMM_FAILED, errno, "reading from the other host");
    if (n == 0)
        return domm_fail(err, DOMM_FAILED, "the other host has closed the link");
    peer->have += (size_t)n;
    peer->heard_ms = domm_peer_now_ms();
    return 0;
}

static int whole_frame(const struct domm_peer *peer, size_t *size_r, struct domm_error *err)
{
    *size_r = 0;
    if (peer->have < DOMM_WIRE_HEADER_BYTES)
        return 0;
    int rc = domm_wire_frame_size(peer->input, size_r, err);
    if (!rc && *size_r > peer->have)
        *size_r = 0;
    return rc;
}

int domm_peer_hear(struct domm_peer *peer, struct domm_wire *message_r, bool *got_r,
                   struct domm_error *err)
{
    size_t size;
    *got_r = false;
    peer->have -= peer->used;
    memmove(peer->input, peer->input + peer->used, peer->have);
    peer->used = 0;
    int rc = whole_frame(peer, &size, err);
    if (!rc && !size) {
        rc = fill(peer, err);
        rc = rc ? rc : whole_frame(peer, &size, err);
    }
    if (rc || !size)
        return rc;
    peer->used = size;
    rc = domm_wire_decode(peer->input, size, message_r, err);
    if (rc)
        return rc;
    if (!domm_wire_may_send(!peer->source, message_r->type))
        return domm_fail(err, DOMM_REFUSED, "message %d is not for the other end to send",
                         (int)message_r->type);
    *got_r = true;
    return 0;
}

int domm_peer_beat(struct domm_peer *peer, int *rest_ms_r, struct domm_error *err)
{
    int64_t silent = domm_peer_now_ms() - peer->said_ms;
    int rc = 0;
    if (silent >= DOMM_PEER_BEAT_MS) {
        const struct domm_wire beat = {.type = DOMM_MESSAGE_HEARTBEAT, .heartbeat = ++peer->beats};
        rc = domm_peer_say(peer, &beat, err);
        silent = 0;
    }
    *rest_ms_r = (int)(DOMM_PEER_BEAT_MS - silent);
    return rc;
}
