/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/xen/channel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <xengnttab.h>

#include "lib/base/cleanup.h"

#define NODE_BYTES 192
#define NO_PORT ((evtchn_port_t)-1)

struct domm_channel {
    struct domm_ring ring;
    struct domm_store *store;
    xengntshr_handle *shared; /* the monitor */
    xengnttab_handle *mapped; /* dom0 */
    char path[NODE_BYTES];    /* the monitor: of its node */
};

void domm_channel_close(struct domm_channel *channel)
{
    struct domm_error ignored;
    if (!channel)
        return;
    if (channel->path[0])
        domm_store_remove(channel->store, channel->path, &ignored);
    if (channel->shared && channel->ring.page)
        xengntshr_unshare(channel->shared, channel->ring.page, 1);
    if (channel->mapped && channel->ring.page)
        xengnttab_unmap(channel->mapped, channel->ring.page, 1);
    xengntshr_close(channel->shared);
    xengnttab_close(channel->mapped);
    free(channel);
}

static void node(const char *path, char node_r[NODE_BYTES])
{
    snprintf(node_r, NODE_BYTES, "%s/ring-ref", path);
}

static int read_reference(struct domm_store *store, const char *path, uint32_t *reference_r,
                          struct domm_error *err)
{
    char at[NODE_BYTES], *end;
    cleanup_free char *text = NULL;
    node(path, at);
    int rc = domm_store_read(store, at, &text, err);
    if (rc)
        return rc;
    errno = 0;
    unsigned long reference = strtoul(text, &end, 10);
    if (errno || end == text || *end || reference > UINT32_MAX)
        return domm_fail(err, DOMM_REFUSED, "%s is not a grant reference", at);
    *reference_r = (uint32_t)reference;
    return 0;
}

static int connect_ring(struct domm_channel *channel, uint32_t domid, const char *path,
                        struct domm_error *err)
{
    uint32_t reference;
    struct domm_ring_page *page = NULL;
    int rc = read_reference(channel->store, path, &reference, err);
    if (rc)
        return rc;
    channel->mapped = xengnttab_open(NULL, 0);
    if (channel->mapped)
        page = xengnttab_map_grant_ref_notify(channel->mapped, domid, reference,
                                              PROT_READ | PROT_WRITE,
                                              offsetof(struct domm_ring_page, dom0), NO_PORT);
    if (!page)
        return domm_fail_errno(err, DOMM_FAILED, errno, "mapping the ring of %s", path);
    channel->ring.page = page;
    if (!domm_ring_join(&channel->ring, page))
        return domm_fail(err, DOMM_REFUSED, "no process waits at %s", path);
    return 0;
}

int domm_channel_connect(struct domm_store *store, uint32_t domid, const char *path,
                         struct domm_channel **channel_r, struct domm_error *err)
{
    struct domm_channel *channel = calloc(1, sizeof(*channel));
    if (!channel)
        return domm_no_memory(err);
    channel->store = store;
    int rc = connect_ring(channel, domid, path, err);
    if (rc)
        domm_channel_close(channel);
    else
        *channel_r = channel;
    return rc;
}

static int offer_ring(struct domm_channel *channel, const char *path, struct domm_error *err)
{
    char at[NODE_BYTES], text[16];
    uint32_t reference;
    struct domm_ring_page *page = NULL;
    channel->shared = xengntshr_open(NULL, 0);
    if (channel->shared)
        page = xengntshr_share_page_notify(channel->shared, 0, &reference, 1,
                                           offsetof(struct domm_ring_page, monitor), NO_PORT);
    if (!page) {
        domm_fail_errno(err, DOMM_FAILED, errno, "sharing a page for the channel %s", path);
        return domm_hint(err, "load the kernel's interface: modprobe xen-gntalloc");
    }
    domm_ring_offer(&channel->ring, page);
    /* Processes that read what a target has written must not speak to dommd. */
    if (madvise(page, sizeof(*page), MADV_DONTFORK))
        return domm_fail_errno(err, DOMM_FAILED, errno, "keeping the channel %s to this process",
                               path);
    node(path, at);
    snprintf(text, sizeof(text), "%u", reference);
    snprintf(channel->path, sizeof(channel->path), "%s", path);
    return domm_store_write(channel->store, at, text, err);
}

int domm_channel_listen(struct domm_store *store, const char *path, struct domm_channel **channel_r,
                        struct domm_error *err)
{
    struct domm_channel *channel = calloc(1, sizeof(*channel));
    if (!channel)
        return domm_no_memory(err);
    channel->store = store;
    int rc = offer_ring(channel, path, err);
    if (rc)
        domm_channel_close(channel);
    else
        *channel_r = channel;
    return rc;
}

bool domm_channel_is_offered(struct domm_channel *channel)
{
    uint32_t reference;
    struct domm_error ignored;
    return read_reference(channel->store, channel->path, &reference, &ignored) == 0;
}

enum domm_channel_state domm_channel_state(struct domm_channel *channel)
{
    switch (domm_ring_other(&channel->ring)) {
    case DOMM_RING_HERE:
        return DOMM_CHANNEL_OPEN;
    case DOMM_RING_AWAITED:
        return channel->ring.dom0 ? DOMM_CHANNEL_ENDED : DOMM_CHANNEL_WAITING;
    default:
        return DOMM_CHANNEL_ENDED;
    }
}

bool domm_channel_receive(struct domm_channel *channel, void *data)
{
    return domm_ring_receive(&channel->ring, data);
}

bool domm_channel_send(struct domm_channel *channel, const void *data)
{
    struct domm_error ignored;
    if (!domm_ring_send(&channel->ring, data))
        return false;
    /* If this fails, dom0 is gone, or will look for the request by itself in time. */
    if (!channel->ring.dom0 && domm_ring_must_wake(&channel->ring))
        domm_store_write(channel->store, DOMM_NODE_KICK, "", &ignored);
    return true;
}

bool domm_channel_sleep(struct domm_channel *channel)
{
    return domm_ring_sleep(&channel->ring);
}

void domm_channel_awake(struct domm_channel *channel)
{
    domm_ring_wake(&channel->ring);
}
