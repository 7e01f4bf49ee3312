/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A two-way channel between a process in domM and one in dom0: a ring (ring.h) in a page of domM's
 * memory, granted to dom0, so that no foreign frame enters domM's page tables.
 *
 * There is no event channel, since a port that a process has open does not outlive a suspend: Linux
 * 6.1 forgets its interrupt (xen_irq_resume, drivers/xen/events/events_base.c), and stops with a
 * BUG when the process closes it later (evtchn_unbind_from_user, drivers/xen/evtchn.c). A granted
 * page and xenstore do no harm. So each side wakes the other by a node of domM's home, which dom0
 * makes: DOMM_NODE_KICK for requests, DOMM_NODE_TOLD for what is not asked for. A reply is polled
 * for by who waits for it, and dom0 polls for a while after each request.
 */
#ifndef DOMM_XEN_CHANNEL_H
#define DOMM_XEN_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/error.h"
#include "lib/xen/ring.h"
#include "lib/xen/store.h"

#define DOMM_NODE_KICK "domm/kick" /* domM's own */
#define DOMM_NODE_TOLD "domm/told" /* for domM to read */

/* For one thread. Never blocks. */
struct domm_channel;

/* dom0: connects to what domM offers at this absolute path of xenstore. */
int domm_channel_connect(struct domm_store *store, uint32_t domid, const char *path,
                         struct domm_channel **channel_r, struct domm_error *err);

/* domM: offers a channel to dom0 at this path, relative to the guest's home. The store is borrowed
 * until the channel is closed. */
int domm_channel_listen(struct domm_store *store, const char *path, struct domm_channel **channel_r,
                        struct domm_error *err);

void domm_channel_close(struct domm_channel *channel); /* null is fine */

/* domM: whether xenstore still offers it; not in a domain that was restored. */
bool domm_channel_is_offered(struct domm_channel *channel);

enum domm_channel_state {
    DOMM_CHANNEL_WAITING, /* domM: dom0 has not connected yet */
    DOMM_CHANNEL_OPEN,
    DOMM_CHANNEL_ENDED, /* the other side has gone; what it sent can still be received */
};

enum domm_channel_state domm_channel_state(struct domm_channel *channel);

/* A message of the ring's length for this direction: true if it was there (if there was room). */
bool domm_channel_receive(struct domm_channel *channel, void *data);
bool domm_channel_send(struct domm_channel *channel, const void *data);

/* dom0: from now on DOMM_NODE_KICK tells of requests; true if there is one already, or domM's side
 * has gone. domm_channel_awake ends it. */
bool domm_channel_sleep(struct domm_channel *channel);
void domm_channel_awake(struct domm_channel *channel);

#endif
