/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The ring of a channel (channel.h): a page of the monitor's memory, granted to dom0. Requests go
 * up, replies go down, each in a slot of its own; the counters never turn back.
 *
 * Either side may write anything anywhere in it at any time. So each keeps its own counters for
 * itself and only shows them, copies a message before it looks at it, and takes a counter of the
 * other that cannot be for the other's end. Pure.
 */
#ifndef DOMM_XEN_RING_H
#define DOMM_XEN_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DOMM_RING_SLOTS 16
#define DOMM_RING_REQUEST 64
#define DOMM_RING_REPLY 128

/* The state of a side, in a byte of its own. The kernel of either side clears it when the process
 * ends, for whatever reason (UNMAP_NOTIFY_CLEAR_BYTE of gntalloc and gntdev). */
enum domm_ring_side { DOMM_RING_GONE = 0, DOMM_RING_HERE = 1, DOMM_RING_AWAITED = 2 };

struct domm_ring_page {
    uint8_t monitor, dom0;
    uint8_t dom0_sleeps; /* alive, and woken through xenstore for the next request */
    uint8_t zero[61];
    uint32_t requests_in, requests_out, replies_in, replies_out;
    unsigned char requests[DOMM_RING_SLOTS][DOMM_RING_REQUEST];
    unsigned char replies[DOMM_RING_SLOTS][DOMM_RING_REPLY];
};

/* One side of a ring. */
struct domm_ring {
    struct domm_ring_page *page;
    bool dom0;
    bool broken;      /* the other side's counters are impossible */
    uint32_t in, out; /* messages sent, and received */
};

/* The monitor's side of a page that is all zero. */
void domm_ring_offer(struct domm_ring *ring, struct domm_ring_page *page);

/* dom0's side; false if no process in the monitor waits for it. */
bool domm_ring_join(struct domm_ring *ring, struct domm_ring_page *page);

/* The state of the other side. */
enum domm_ring_side domm_ring_other(const struct domm_ring *ring);

/* Receives (sends) a message; true if there was one (if there was room). Requests and replies have
 * their lengths. */
bool domm_ring_receive(struct domm_ring *ring, void *message_r);
bool domm_ring_send(struct domm_ring *ring, const void *message);

/* dom0: asks to be woken; true if a message is waiting or the other side is gone, so that waiting
 * is pointless. */
bool domm_ring_sleep(struct domm_ring *ring);
void domm_ring_wake(struct domm_ring *ring);

/* The monitor: whether dom0 must be woken for the messages sent; true once. */
bool domm_ring_must_wake(struct domm_ring *ring);

#endif
