/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A two-way channel between a process in domM and one in dom0, over libxenvchan.
 *
 * domM serves and dom0 connects, so that the ring is domM's own memory, granted to dom0: no
 * foreign frame enters domM's page tables, which could not be migrated. A side that ends, however
 * it ends, is seen by the other (tools/libs/vchan/init.c: the notify bytes of gntalloc and gntdev).
 * The other side may write anything anywhere in the ring; libxenvchan bounds what it reads.
 */
#ifndef DOMM_XEN_CHANNEL_H
#define DOMM_XEN_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/error.h"

/* For one thread. Never blocks. */
struct domm_channel;

/* dom0: connects to what domM offers at this absolute path of xenstore. */
int domm_channel_connect(uint32_t domid, const char *path, struct domm_channel **channel_r,
                         struct domm_error *err);

/* domM: offers a channel to dom0 at this path, relative to the guest's home. */
int domm_channel_listen(const char *path, struct domm_channel **channel_r, struct domm_error *err);

void domm_channel_close(struct domm_channel *channel); /* null is fine */

/* Readable when something may have changed; then call domm_channel_acknowledge first. */
int domm_channel_fd(struct domm_channel *channel);
void domm_channel_acknowledge(struct domm_channel *channel);

enum domm_channel_state {
    DOMM_CHANNEL_WAITING, /* domM: dom0 has not connected yet */
    DOMM_CHANNEL_OPEN,
    DOMM_CHANNEL_ENDED, /* the other side has gone; what it sent can still be received */
};

enum domm_channel_state domm_channel_state(struct domm_channel *channel);

/* The whole message or nothing: true if it was there (if there was room). */
bool domm_channel_receive(struct domm_channel *channel, void *data, size_t size);
bool domm_channel_send(struct domm_channel *channel, const void *data, size_t size);

#endif
