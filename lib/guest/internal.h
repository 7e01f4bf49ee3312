/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by the files of lib/guest, and by nobody else. */
#ifndef DOMM_GUEST_INTERNAL_H
#define DOMM_GUEST_INTERNAL_H

#include "lib/guest/domm-guest.h"
#include "lib/mapping/protocol.h"
#include "lib/xen/channel.h"
#include "lib/xen/store.h"

/* Longer than dommd keeps one domM waiting for its tokens. */
#define REQUEST_TIMEOUT_MS 15000

enum link {
    LINK_CLOSED,  /* no channel is offered: dom0 has not made our node, or took it away */
    LINK_OFFERED, /* dommd has not connected yet */
    LINK_OPEN,
};

struct domm_guest {
    struct domm_store *store;
    struct domm_channel *channel;
    enum link link;
    char path[64];
    uint64_t last_id;
    int64_t check_ms; /* when to look whether the channel is still offered; 0: now */
    bool changed;     /* the targets may have; not told yet */
    bool lost;        /* the channel has to be made anew */
    bool remap;       /* a new channel: dommd does not know our regions */
    size_t n_targets;
    struct domm_guest_target targets[DOMM_GUEST_MAX_TARGETS];
    struct domm_guest_memory *memories;
};

/* A frame's state is two bits: it was asked for, and it is mapped. A frame that was asked for and
 * is not mapped is a hole while the memory is attached. */
struct region {
    bool ready; /* its addresses, its nonce page and so its page table are there */
    bool located;
    unsigned char asked[DOMM_PTES / 8];
    unsigned char valid[DOMM_PTES / 8];
};

struct domm_guest_memory {
    struct domm_guest *guest;
    struct domm_guest_memory *next;
    unsigned char uuid[16];
    unsigned char nonce[DOMM_NONCE_LENGTH];
    uint64_t frames;
    uint64_t generation;
    bool attached;
    int privcmd;
    unsigned char *reserved; /* with room for alignment */
    size_t reserved_size;
    unsigned char *base; /* of region 0, a multiple of 2 MiB */
    size_t n_regions;
    struct region *regions;
};

/* Sends the request (its id is filled in) and waits for the reply. */
int guest_ask(struct domm_guest *guest, struct domm_request *request, struct domm_reply *reply_r);

/* The place of the target in the list, or -ENOENT. */
int guest_find_target(const struct domm_guest *guest, const unsigned char uuid[16]);
int guest_refresh_targets(struct domm_guest *guest);

/* Nothing of it is mapped any more. */
void memory_invalidate(struct domm_guest_memory *memory);
/* dommd knows none of its regions. */
void memory_forget_located(struct domm_guest_memory *memory);
/* Maps again what was asked for. */
int memory_restore(struct domm_guest_memory *memory);

static inline bool bit_get(const unsigned char *bits, uint32_t n)
{
    return bits[n / 8] >> n % 8 & 1;
}

static inline void bit_put(unsigned char *bits, uint32_t n, bool value)
{
    unsigned char mask = (unsigned char)(1u << n % 8);
    bits[n / 8] = (unsigned char)(value ? bits[n / 8] | mask : bits[n / 8] & ~mask);
}

/* Slot 0 of a region is the nonce page. */
static inline size_t region_of(uint64_t gfn)
{
    return (size_t)(gfn / DOMM_REGION_SLOTS);
}

static inline uint32_t slot_of(uint64_t gfn)
{
    return 1 + (uint32_t)(gfn % DOMM_REGION_SLOTS);
}

static inline const unsigned char *page_of(const struct domm_guest_memory *memory, uint64_t gfn)
{
    return memory->base + region_of(gfn) * DOMM_REGION_BYTES +
           (size_t)slot_of(gfn) * DOMM_GUEST_PAGE;
}

#endif
