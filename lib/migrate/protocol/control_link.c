/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/migrate/protocol/control_link.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/text.h"

static int unblock(int fd, struct domm_error *err)
{
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK))
        return domm_fail_errno(err, DOMM_FAILED, errno, "setting up the link");
    return 0;
}

int domm_control_link_begin(struct domm_control_link *link_r, bool source, int in, int out,
                            struct domm_error *err)
{
    memset(link_r, 0, sizeof(*link_r));
    link_r->source = source;
    link_r->in = in;
    link_r->out = out;
    link_r->received_ms = link_r->sent_ms = domm_now_ms();
    int rc = unblock(in, err);
    if (rc)
        return rc;
    return unblock(out, err);
}

void domm_control_link_end(struct domm_control_link *link)
{
    free(link->output);
    link->output = NULL;
    link->queued = link->room = 0;
    link->in = link->out = -1;
}

static int queue(struct domm_control_link *link, const unsigned char *bytes, size_t size,
                 struct domm_error *err)
{
    if (link->queued + size > link->room) {
        size_t room = 2 * (link->queued + size);
        unsigned char *grown = realloc(link->output, room);
        if (!grown)
            return domm_no_memory(err);
        link->output = grown;
        link->room = room;
    }
    memcpy(link->output + link->queued, bytes, size);
    link->queued += size;
    return 0;
}

int domm_control_link_send(struct domm_control_link *link, const struct domm_message *message,
                           struct domm_error *err)
{
    static _Thread_local unsigned char frame[DOMM_WIRE_MAX_FRAME];
    size_t size;
    if (link->out < 0)
        return domm_fail(err, DOMM_FAILED, "the link is closed");
    int rc = domm_message_encode(message, frame, &size, err);
    if (rc)
        return rc;
    rc = queue(link, frame, size, err);
    if (rc)
        return rc;
    link->sent_ms = domm_now_ms();
    return domm_control_link_flush(link, err);
}

int domm_control_link_flush(struct domm_control_link *link, struct domm_error *err)
{
    size_t done = 0;
    int reason = 0;
    while (done < link->queued && !reason) {
        ssize_t n = write(link->out, link->output + done, link->queued - done);
        if (n >= 0)
            done += (size_t)n;
        else if (errno != EINTR)
            reason = errno;
    }
    link->queued -= done;
    if (done)
        memmove(link->output, link->output + done, link->queued);
    if (reason && reason != EAGAIN)
        return domm_fail_errno(err, DOMM_FAILED, reason, "writing to the other host");
    return 0;
}

/* Bytes that are no frame, before the first frame: what a login shell, or ssh, has printed. */
static int refuse_banner(const struct domm_control_link *link, struct domm_error *err)
{
    char text[80];
    size_t size = link->have < sizeof(text) ? link->have : sizeof(text) - 1;
    memcpy(text, link->input, size);
    text[size] = '\0';
    text[strcspn(text, "\r\n")] = '\0';
    domm_fail(err, DOMM_REFUSED, "the other host has printed \"%s\" instead of an answer",
              domm_make_printable(text));
    return domm_hint(err,
                     "nothing may be printed when a command is run there, by ~/.bashrc for one: "
                     "try ssh HOST true");
}

/* Reads available bytes into the free room. */
static int control_link_fill(struct domm_control_link *link, struct domm_error *err)
{
    ssize_t n;
    do
        n = read(link->in, link->input + link->have, sizeof(link->input) - link->have);
    while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN)
        return 0;
    if (n < 0)
        return domm_fail_errno(err, DOMM_FAILED, errno, "reading from the other host");
    if (n == 0 && link->have && !link->heard)
        return refuse_banner(link, err);
    if (n == 0)
        return domm_fail(err, DOMM_FAILED, "the other host has closed the link");
    link->have += (size_t)n;
    link->received_ms = domm_now_ms();
    return 0;
}

static int whole_frame(const struct domm_control_link *link, size_t *size_r, struct domm_error *err)
{
    *size_r = 0;
    if (link->have < DOMM_WIRE_HEADER_BYTES)
        return 0;
    int rc = domm_message_frame_size(link->input, size_r, err);
    if (rc && !link->heard)
        return refuse_banner(link, err);
    if (!rc && *size_r > link->have)
        *size_r = 0;
    return rc;
}

int domm_control_link_receive(struct domm_control_link *link, struct domm_message *message_r,
                              bool *got_r, struct domm_error *err)
{
    size_t size;
    *got_r = false;
    link->have -= link->used;
    memmove(link->input, link->input + link->used, link->have);
    link->used = 0;
    int rc = whole_frame(link, &size, err);
    if (!rc && !size) {
        rc = control_link_fill(link, err);
        if (rc)
            return rc;
        rc = whole_frame(link, &size, err);
    }
    if (rc || !size)
        return rc;
    link->used = size;
    link->heard = true;
    rc = domm_message_decode(link->input, size, message_r, err);
    if (rc)
        return rc;
    if (!domm_message_may_send(!link->source, message_r->type))
        return domm_fail(err, DOMM_REFUSED, "the other end must not send message %d",
                         (int)message_r->type);
    *got_r = true;
    return 0;
}

int domm_control_link_heartbeat(struct domm_control_link *link, int *timeout_ms_r,
                                struct domm_error *err)
{
    int64_t silent = domm_now_ms() - link->sent_ms;
    int rc = 0;
    if (silent >= DOMM_CONTROL_LINK_HEARTBEAT_MS) {
        const struct domm_message beat = {.type = DOMM_MESSAGE_HEARTBEAT,
                                          .heartbeat = ++link->beats};
        rc = domm_control_link_send(link, &beat, err);
        silent = 0;
    }
    *timeout_ms_r = (int)(DOMM_CONTROL_LINK_HEARTBEAT_MS - silent);
    return rc;
}
