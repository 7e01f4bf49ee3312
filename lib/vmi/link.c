/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The channel to dommd: offers it, sends requests, and renews it. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/vmi/vmi_internal.h"

/* For this time a reply is polled for every millisecond. */
#define SOON_MS 100

/* Interval of checks on a channel that is not taken. */
#define CHECK_MS 2000

void vmi_link_close(struct domm_vmi *vmi)
{
    domm_channel_close(vmi->channel);
    vmi->channel = NULL;
    vmi->link = LINK_CLOSED;
    vmi->lost = false;
}

/* The node is below one that dom0 makes: before that a channel cannot be offered. */
static int vmi_link_offer(struct domm_vmi *vmi)
{
    struct domm_error err;
    char *node = NULL;
    int rc = domm_store_read(vmi->store, DOMM_CHANNELS_NODE, &node, &err);
    free(node);
    if (rc)
        return -EAGAIN;
    if (domm_channel_listen(vmi->store, vmi->path, &vmi->channel, &err))
        return err.code == DOMM_NOT_FOUND || err.code == DOMM_NOT_PERMITTED ? -EAGAIN : -ENODEV;
    vmi->link = LINK_OFFERED;
    vmi->check_ms = domm_now_ms() + CHECK_MS;
    return 0;
}

/* Receives one message: 1 for a reply, 0 for none. Events are noted. */
static int vmi_link_receive(struct domm_vmi *vmi, struct domm_reply *reply_r)
{
    unsigned char bytes[DOMM_REPLY_BYTES];
    struct domm_error err;
    while (domm_channel_receive(vmi->channel, bytes)) {
        if (domm_reply_decode(bytes, reply_r, &err)) {
            vmi->lost = true;
            return -EPROTO;
        }
        if (reply_r->type == DOMM_REPLY)
            return 1;
        if (reply_r->type == DOMM_EVENT_CHANGED)
            vmi->changed = true;
        else
            vmi_take_event(vmi, reply_r);
    }
    if (domm_channel_state(vmi->channel) == DOMM_CHANNEL_ENDED)
        vmi->lost = true;
    return vmi->lost ? -EAGAIN : 0;
}

/* dommd has sent an unexpected reply, or this domain was restored. */
static void vmi_link_take_events(struct domm_vmi *vmi)
{
    char *event;
    while ((event = domm_store_event(vmi->store))) {
        free(event);
        vmi->check_ms = 0;
    }
}

/* The xenstore of a restored domain lacks the channel, and dommd may have missed it. */
static void vmi_link_check(struct domm_vmi *vmi)
{
    bool waits = domm_channel_state(vmi->channel) == DOMM_CHANNEL_WAITING;
    if (!vmi->check_ms || (waits && domm_now_ms() >= vmi->check_ms)) {
        vmi->lost |= !domm_channel_is_offered(vmi->channel);
        vmi->check_ms = domm_now_ms() + CHECK_MS;
    }
}

void vmi_link_wait(struct domm_vmi *vmi, int64_t rest_ms)
{
    struct pollfd fd = {.fd = domm_store_fd(vmi->store), .events = POLLIN};
    poll(&fd, 1, rest_ms > 0 ? (int)rest_ms : 0);
}

/* A restarted dommd has lost an earlier HELLO. */
static int errno_of(struct domm_vmi *vmi, enum domm_reply_status status)
{
    switch (status) {
    case DOMM_STATUS_OK:
        return 0;
    case DOMM_STATUS_NO_TARGET:
        return -ENOENT;
    case DOMM_STATUS_LIMIT:
        return -ENOSPC;
    case DOMM_STATUS_ORDER:
        vmi->lost = true;
        return -EAGAIN;
    default:
        return -EIO;
    }
}

int vmi_request(struct domm_vmi *vmi, struct domm_request *request, struct domm_reply *reply_r)
{
    unsigned char bytes[DOMM_REQUEST_BYTES];
    int64_t begin = domm_now_ms();
    if (vmi->link != LINK_OPEN || vmi->lost)
        return -EAGAIN;
    request->id = ++vmi->last_id;
    domm_request_encode(request, bytes);
    if (!domm_channel_send(vmi->channel, bytes)) {
        vmi->lost = true;
        return -EAGAIN;
    }
    for (;;) {
        int got = vmi_link_receive(vmi, reply_r);
        if (got < 0)
            return got;
        if (got && reply_r->id == request->id)
            return errno_of(vmi, reply_r->status);
        int64_t waited = domm_now_ms() - begin;
        if (waited >= REQUEST_TIMEOUT_MS) {
            vmi->lost = true;
            return -EAGAIN;
        }
        if (!got)
            poll(NULL, 0, waited < SOON_MS ? 1 : 10);
    }
}

static int vmi_link_greet(struct domm_vmi *vmi)
{
    struct domm_request hello = {.type = DOMM_REQUEST_HELLO, .count = DOMM_FOLLOWS};
    struct domm_reply reply;
    vmi->link = LINK_OPEN;
    int rc = vmi_request(vmi, &hello, &reply);
    vmi->changed |= rc == 0;
    vmi->remap |= rc == 0;
    return rc;
}

int vmi_link_advance(struct domm_vmi *vmi)
{
    struct domm_reply stray;
    vmi_link_take_events(vmi);
    if (vmi->channel)
        vmi_link_check(vmi);
    if (vmi->lost)
        vmi_link_close(vmi);
    switch (vmi->link) {
    case LINK_CLOSED:
        return vmi_link_offer(vmi);
    case LINK_OFFERED:
        if (domm_channel_state(vmi->channel) == DOMM_CHANNEL_WAITING)
            return -EAGAIN;
        return vmi_link_greet(vmi);
    case LINK_OPEN:
        return vmi_link_receive(vmi, &stray) < 0 ? -EAGAIN : 0;
    }
    return 0;
}
