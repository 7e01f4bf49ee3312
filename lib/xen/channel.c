/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/xen/channel.h"

#include <errno.h>
#include <libxenvchan.h>
#include <stdlib.h>

/* Both directions in the one page of the ring: 16 requests, 16 replies. */
#define TO_DOM0_BYTES 1024
#define TO_DOMM_BYTES 2048

struct domm_channel {
    struct libxenvchan *vchan;
};

static int finish(struct libxenvchan *vchan, struct domm_channel **channel_r,
                  struct domm_error *err)
{
    struct domm_channel *channel = calloc(1, sizeof(*channel));
    if (!channel) {
        libxenvchan_close(vchan);
        return domm_no_memory(err);
    }
    vchan->blocking = 0;
    channel->vchan = vchan;
    *channel_r = channel;
    return 0;
}

int domm_channel_connect(uint32_t domid, const char *path, struct domm_channel **channel_r,
                         struct domm_error *err)
{
    errno = 0;
    struct libxenvchan *vchan = libxenvchan_client_init(NULL, (int)domid, path);
    if (!vchan)
        return domm_fail_errno(err, DOMM_FAILED, errno, "connecting to the channel %s", path);
    return finish(vchan, channel_r, err);
}

int domm_channel_listen(const char *path, struct domm_channel **channel_r, struct domm_error *err)
{
    errno = 0;
    struct libxenvchan *vchan = libxenvchan_server_init(NULL, 0, path, TO_DOM0_BYTES, TO_DOMM_BYTES);
    if (!vchan) {
        domm_fail_errno(err, DOMM_FAILED, errno, "offering the channel %s", path);
        return domm_hint(err, "load the kernel's interfaces: modprobe -a xen-gntalloc xen-evtchn");
    }
    return finish(vchan, channel_r, err);
}

void domm_channel_close(struct domm_channel *channel)
{
    if (!channel)
        return;
    libxenvchan_close(channel->vchan);
    free(channel);
}

int domm_channel_fd(struct domm_channel *channel)
{
    return libxenvchan_fd_for_select(channel->vchan);
}

void domm_channel_acknowledge(struct domm_channel *channel)
{
    libxenvchan_wait(channel->vchan);
}

enum domm_channel_state domm_channel_state(struct domm_channel *channel)
{
    switch (libxenvchan_is_open(channel->vchan)) {
    case 0:
        return DOMM_CHANNEL_ENDED;
    case 2:
        return channel->vchan->is_server ? DOMM_CHANNEL_WAITING : DOMM_CHANNEL_ENDED;
    default:
        return DOMM_CHANNEL_OPEN;
    }
}

bool domm_channel_receive(struct domm_channel *channel, void *data, size_t size)
{
    return libxenvchan_recv(channel->vchan, data, size) == (int)size;
}

bool domm_channel_send(struct domm_channel *channel, const void *data, size_t size)
{
    return libxenvchan_send(channel->vchan, data, size) == (int)size;
}
