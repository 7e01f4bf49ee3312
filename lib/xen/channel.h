/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A two-way channel between a process in the monitor and one in dom0: a ring (ring.h) in a page of
 * the monitor's memory that is granted to dom0, so that no foreign frame enters the monitor's page
 * tables.
 *
 * There is no event channel, since an open port of a process does not survive a suspend: Linux 6.1
 * forgets its interrupt (xen_irq_resume, drivers/xen/events/events_base.c), and stops with a BUG
 * when the process closes the port later (evtchn_unbind_from_user, drivers/xen/evtchn.c). A granted
 * page and xenstore do no harm. Each side therefore wakes the other by a node in the monitor's
 * home, which dom0 makes: DOMM_NODE_KICK for requests, DOMM_NODE_TOLD for events. The monitor polls
 * for a reply, and dom0 polls for a while after each request.
 */
#ifndef DOMM_XEN_CHANNEL_H
#define DOMM_XEN_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/error.h"
#include "lib/xen/ring.h"
#include "lib/xen/store.h"

#define DOMM_NODE_KICK "domm/kick" /* written by the monitor */
#define DOMM_NODE_TOLD "domm/told" /* read by the monitor */

/* For one thread. Never blocks. */
struct domm_channel;

/* dom0: connects to the channel that the monitor offers at this absolute xenstore path. */
int domm_channel_connect(struct domm_store *store, uint32_t domid, const char *path,
                         struct domm_channel **channel_r, struct domm_error *err);

/* The monitor: offers a channel to dom0 at this path, relative to the guest's home. The store is
 * borrowed until the channel is closed. */
int domm_channel_listen(struct domm_store *store, const char *path, struct domm_channel **channel_r,
                        struct domm_error *err);

void domm_channel_close(struct domm_channel *channel); /* null is fine */

/* The monitor: whether xenstore still offers it; not in a domain that was restored. */
bool domm_channel_is_offered(struct domm_channel *channel);

enum domm_channel_state {
    DOMM_CHANNEL_WAITING, /* the monitor: dom0 has not connected yet */
    DOMM_CHANNEL_OPEN,
    DOMM_CHANNEL_ENDED, /* the other side is gone; its messages can still be received */
};

/* The state of the channel now. */
enum domm_channel_state domm_channel_state(struct domm_channel *channel);

/* Receives (sends) a message of the ring's length for this direction: true if there was one (if
 * there was room). */
bool domm_channel_receive(struct domm_channel *channel, void *data);
bool domm_channel_send(struct domm_channel *channel, const void *data);

/* dom0: from now on DOMM_NODE_KICK announces requests; true if there is one already, or the
 * monitor's side is gone. domm_channel_awake ends this. */
bool domm_channel_sleep(struct domm_channel *channel);
void domm_channel_awake(struct domm_channel *channel);

#endif
