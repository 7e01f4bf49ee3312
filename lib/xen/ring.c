/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/xen/ring.h"

#include <string.h>

_Static_assert(sizeof(struct domm_ring_page) <= 4096, "a ring is one page");

/* One direction, from one side's view. */
struct queue {
    uint32_t *in, *out; /* counters shown by the sender and the receiver */
    unsigned char *slots;
    size_t size;
};

static struct queue requests(struct domm_ring_page *page)
{
    return (struct queue){&page->requests_in, &page->requests_out, page->requests[0],
                          DOMM_RING_REQUEST};
}

static struct queue replies(struct domm_ring_page *page)
{
    return (struct queue){&page->replies_in, &page->replies_out, page->replies[0], DOMM_RING_REPLY};
}

void domm_ring_offer(struct domm_ring *ring, struct domm_ring_page *page)
{
    *ring = (struct domm_ring){.page = page};
    page->dom0_sleeps = 1;
    page->dom0 = DOMM_RING_AWAITED;
    __atomic_store_n(&page->monitor, DOMM_RING_HERE, __ATOMIC_RELEASE);
}

bool domm_ring_join(struct domm_ring *ring, struct domm_ring_page *page)
{
    uint8_t awaited = DOMM_RING_AWAITED;
    *ring = (struct domm_ring){.page = page, .dom0 = true};
    return domm_ring_other(ring) == DOMM_RING_HERE &&
           __atomic_compare_exchange_n(&page->dom0, &awaited, DOMM_RING_HERE, false,
                                       __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

enum domm_ring_side domm_ring_other(const struct domm_ring *ring)
{
    const uint8_t *side = ring->dom0 ? &ring->page->monitor : &ring->page->dom0;
    switch (__atomic_load_n(side, __ATOMIC_ACQUIRE)) {
    case DOMM_RING_HERE:
        return ring->broken ? DOMM_RING_GONE : DOMM_RING_HERE;
    case DOMM_RING_AWAITED:
        return DOMM_RING_AWAITED;
    default:
        return DOMM_RING_GONE;
    }
}

/* The number of messages waiting for this side. */
static uint32_t waiting(struct domm_ring *ring, const struct queue *queue)
{
    uint32_t count = __atomic_load_n(queue->in, __ATOMIC_ACQUIRE) - ring->out;
    ring->broken |= count > DOMM_RING_SLOTS;
    return ring->broken ? 0 : count;
}

bool domm_ring_receive(struct domm_ring *ring, void *message_r)
{
    struct queue queue = ring->dom0 ? requests(ring->page) : replies(ring->page);
    if (!waiting(ring, &queue))
        return false;
    memcpy(message_r, queue.slots + ring->out % DOMM_RING_SLOTS * queue.size, queue.size);
    __atomic_store_n(queue.out, ++ring->out, __ATOMIC_RELEASE);
    return true;
}

bool domm_ring_send(struct domm_ring *ring, const void *message)
{
    struct queue queue = ring->dom0 ? replies(ring->page) : requests(ring->page);
    uint32_t under_way = ring->in - __atomic_load_n(queue.out, __ATOMIC_ACQUIRE);
    ring->broken |= under_way > DOMM_RING_SLOTS;
    if (ring->broken || under_way == DOMM_RING_SLOTS)
        return false;
    memcpy(queue.slots + ring->in % DOMM_RING_SLOTS * queue.size, message, queue.size);
    __atomic_store_n(queue.in, ++ring->in, __ATOMIC_RELEASE);
    return true;
}

/* A full barrier between this side's write and its read of the other side's byte or counter: either
 * dom0 sees the request, or the monitor sees that dom0 sleeps. */
bool domm_ring_sleep(struct domm_ring *ring)
{
    struct queue queue = requests(ring->page);
    __atomic_store_n(&ring->page->dom0_sleeps, 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return waiting(ring, &queue) || domm_ring_other(ring) != DOMM_RING_HERE;
}

void domm_ring_wake(struct domm_ring *ring)
{
    __atomic_store_n(&ring->page->dom0_sleeps, 0, __ATOMIC_RELAXED);
}

bool domm_ring_must_wake(struct domm_ring *ring)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return __atomic_exchange_n(&ring->page->dom0_sleeps, 0, __ATOMIC_ACQ_REL) != 0;
}
