/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The channel to dommd: offering it, asking over it, and making it anew. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "lib/guest/internal.h"

/* How long a reply is looked for every millisecond. */
#define SOON_MS 100

/* How often a channel that nobody takes is looked after. */
#define CHECK_MS 2000

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void drop(struct domm_guest *guest)
{
    domm_channel_close(guest->channel);
    guest->channel = NULL;
    guest->link = LINK_CLOSED;
    guest->lost = false;
}

/* Below a node that dom0 makes: until then there is nothing to offer in. */
static int offer(struct domm_guest *guest)
{
    struct domm_error err;
    char *node = NULL;
    int rc = domm_store_read(guest->store, DOMM_CHANNELS_NODE, &node, &err);
    free(node);
    if (rc)
        return -EAGAIN;
    if (domm_channel_listen(guest->store, guest->path, &guest->channel, &err))
        return err.code == DOMM_NOT_FOUND || err.code == DOMM_NOT_PERMITTED ? -EAGAIN : -ENODEV;
    guest->link = LINK_OFFERED;
    guest->check_ms = now_ms() + CHECK_MS;
    return 0;
}

/* One message, if there is one: 1 for a reply, 0 for none. Events are taken note of. */
static int receive(struct domm_guest *guest, struct domm_reply *reply_r)
{
    unsigned char bytes[DOMM_REPLY_BYTES];
    struct domm_error err;
    while (domm_channel_receive(guest->channel, bytes)) {
        if (domm_reply_decode(bytes, reply_r, &err)) {
            guest->lost = true;
            return -EPROTO;
        }
        if (reply_r->type == DOMM_REPLY)
            return 1;
        guest->changed = true;
    }
    if (domm_channel_state(guest->channel) == DOMM_CHANNEL_ENDED)
        guest->lost = true;
    return guest->lost ? -EAGAIN : 0;
}

/* dommd has said something that nobody waited for, or this domain has been restored. */
static void take_events(struct domm_guest *guest)
{
    char *event;
    while ((event = domm_store_event(guest->store))) {
        free(event);
        guest->check_ms = 0;
    }
}

/* A restored domain's xenstore knows nothing of the channel, and dommd may have overlooked it. */
static void check(struct domm_guest *guest)
{
    bool waits = domm_channel_state(guest->channel) == DOMM_CHANNEL_WAITING;
    if (!guest->check_ms || (waits && now_ms() >= guest->check_ms)) {
        guest->lost |= !domm_channel_is_offered(guest->channel);
        guest->check_ms = now_ms() + CHECK_MS;
    }
}

static void wait_store(struct domm_guest *guest, int64_t rest_ms)
{
    struct pollfd fd = {.fd = domm_store_fd(guest->store), .events = POLLIN};
    poll(&fd, 1, rest_ms > 0 ? (int)rest_ms : 0);
}

/* dommd that was started anew knows nothing of an earlier HELLO. */
static int errno_of(struct domm_guest *guest, enum domm_reply_status status)
{
    switch (status) {
    case DOMM_STATUS_OK:
        return 0;
    case DOMM_STATUS_NO_TARGET:
        return -ENOENT;
    case DOMM_STATUS_LIMIT:
        return -ENOSPC;
    case DOMM_STATUS_ORDER:
        guest->lost = true;
        return -EAGAIN;
    default:
        return -EIO;
    }
}

int guest_ask(struct domm_guest *guest, struct domm_request *request, struct domm_reply *reply_r)
{
    unsigned char bytes[DOMM_REQUEST_BYTES];
    int64_t begin = now_ms();
    if (guest->link != LINK_OPEN || guest->lost)
        return -EAGAIN;
    request->id = ++guest->last_id;
    domm_request_encode(request, bytes);
    if (!domm_channel_send(guest->channel, bytes)) {
        guest->lost = true;
        return -EAGAIN;
    }
    for (;;) {
        int got = receive(guest, reply_r);
        if (got < 0)
            return got;
        if (got && reply_r->id == request->id)
            return errno_of(guest, reply_r->status);
        int64_t waited = now_ms() - begin;
        if (waited >= REQUEST_TIMEOUT_MS) {
            guest->lost = true;
            return -EAGAIN;
        }
        if (!got)
            poll(NULL, 0, waited < SOON_MS ? 1 : 10);
    }
}

static int greet(struct domm_guest *guest)
{
    struct domm_request hello = {.type = DOMM_REQUEST_HELLO};
    struct domm_reply reply;
    guest->link = LINK_OPEN;
    int rc = guest_ask(guest, &hello, &reply);
    guest->changed |= rc == 0;
    guest->remap |= rc == 0;
    return rc;
}

/* One step towards an open channel. */
static int advance(struct domm_guest *guest)
{
    struct domm_reply stray;
    take_events(guest);
    if (guest->channel)
        check(guest);
    if (guest->lost)
        drop(guest);
    switch (guest->link) {
    case LINK_CLOSED:
        return offer(guest);
    case LINK_OFFERED:
        if (domm_channel_state(guest->channel) == DOMM_CHANNEL_WAITING)
            return -EAGAIN;
        return greet(guest);
    case LINK_OPEN:
        return receive(guest, &stray) < 0 ? -EAGAIN : 0;
    }
    return 0;
}

/* Brings targets and memories up to date with what dommd has told. */
static int settle(struct domm_guest *guest)
{
    if (!guest->changed)
        return 0;
    guest->changed = false;
    int rc = guest_refresh_targets(guest);
    for (struct domm_guest_memory *m = guest->memories; !rc && m; m = m->next) {
        int place = guest_find_target(guest, m->uuid);
        bool attached = place >= 0 && guest->targets[place].attached;
        if (guest->remap) /* of one that is not attached now as well: it may be later */
            memory_forget_located(m);
        if (!attached && m->attached)
            memory_invalidate(m);
        /* Also when it stayed attached: it may be another domain by now, or dommd a new one. */
        if (attached)
            rc = memory_restore(m);
    }
    if (rc)
        guest->changed = true;
    else
        guest->remap = false;
    return rc ? rc : 1;
}

int domm_guest_poll(struct domm_guest *guest, int timeout_ms)
{
    int64_t end = now_ms() + timeout_ms;
    for (;;) {
        int rc = advance(guest);
        if (rc == 0 && guest->link == LINK_OPEN)
            rc = settle(guest);
        if (rc > 0 || (rc < 0 && rc != -EAGAIN))
            return rc;
        int64_t rest = end - now_ms();
        if (rest <= 0)
            return rc < 0 && guest->link == LINK_OPEN ? 0 : rc;
        wait_store(guest, rest < 200 ? rest : 200);
    }
}

int domm_guest_fd(const struct domm_guest *guest)
{
    return domm_store_fd(guest->store);
}

int domm_guest_open(struct domm_guest **guest_r)
{
    static unsigned int count;
    struct domm_error err;
    struct domm_guest *guest = calloc(1, sizeof(*guest));
    if (!guest)
        return -ENOMEM;
    if (domm_store_open(&guest->store, &err) ||
        domm_store_watch(guest->store, DOMM_NODE_TOLD, &err)) {
        domm_store_close(guest->store);
        free(guest);
        return -ENODEV;
    }
    snprintf(guest->path, sizeof(guest->path), DOMM_CHANNELS_NODE "/%d-%u", (int)getpid(), ++count);
    *guest_r = guest;
    return 0;
}

void domm_guest_close(struct domm_guest *guest)
{
    if (!guest)
        return;
    while (guest->memories)
        domm_guest_memory_close(guest->memories);
    drop(guest);
    domm_store_close(guest->store);
    free(guest);
}
