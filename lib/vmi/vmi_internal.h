/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by the files of lib/vmi only. */
#ifndef DOMM_VMI_VMI_INTERNAL_H
#define DOMM_VMI_VMI_INTERNAL_H

#include "lib/mapping/protocol.h"
#include "lib/vmi/domm-guest.h"
#include "lib/xen/channel.h"
#include "lib/xen/store.h"

/* Longer than dommd's rate limit delays a monitor. */
#define REQUEST_TIMEOUT_MS 15000

enum vmi_link {
    LINK_CLOSED,  /* no channel is offered: dom0 has not made the node, or has removed it */
    LINK_OFFERED, /* dommd has not connected yet */
    LINK_OPEN,
};

struct domm_vmi {
    struct domm_store *store;
    struct domm_channel *channel;
    enum vmi_link link;
    char path[64];
    uint64_t last_id;
    int64_t check_ms; /* time of the next check that the channel is still offered; 0: now */
    bool changed;     /* the targets may have changed; not reported yet */
    bool lost;        /* the channel must be renewed */
    bool remap;       /* a new channel: dommd does not know our regions */
    size_t n_targets;
    struct domm_vmi_target targets[DOMM_VMI_MAX_TARGETS];
    struct domm_vmi_memory *memories;
};

/* A frame's state is two bits: wanted, and mapped. A wanted frame that is not mapped is a hole
 * while the memory is attached. */
struct vmi_region {
    bool ready; /* its address space with its nonce page, and so its page table, exists */
    bool located;
    unsigned char asked[DOMM_PTES / 8];
    unsigned char valid[DOMM_PTES / 8];
};

struct domm_vmi_memory {
    struct domm_vmi *vmi;
    struct domm_vmi_memory *next;
    unsigned char uuid[16];
    unsigned char nonce[DOMM_NONCE_LENGTH];
    uint64_t frames;
    uint64_t generation;
    bool attached;
    int privcmd;
    unsigned char *reserved; /* with room for alignment */
    size_t reserved_size;
    unsigned char *base; /* address of region 0, a multiple of 2 MiB */
    size_t n_regions;
    struct vmi_region *regions;
    /* The pages beyond its frames follow in regions of their own, as if they were the frames from
     * target_memory_beyond on. */
    uint64_t owned;  /* pages, as dommd has told; 0: it has not */
    uint64_t beyond; /* as dommd has told */
    uint64_t beyond_asked;
};

/* The frame that stands for the first page beyond. */
static inline uint64_t target_memory_beyond(const struct domm_vmi_memory *memory)
{
    return (memory->frames + DOMM_REGION_SLOTS - 1) / DOMM_REGION_SLOTS * DOMM_REGION_SLOTS;
}

/* One step towards an open channel: 0 if it is open, -EAGAIN if it is not yet. */
int vmi_link_advance(struct domm_vmi *vmi);
/* Waits for dommd. */
void vmi_link_wait(struct domm_vmi *vmi, int64_t rest_ms);
void vmi_link_close(struct domm_vmi *vmi);

/* Sends the request (its id is filled in) and waits for the reply. */
int vmi_request(struct domm_vmi *vmi, struct domm_request *request, struct domm_reply *reply_r);

/* The index of the target in the list, or -ENOENT. */
int vmi_find_target(const struct domm_vmi *vmi, const unsigned char uuid[16]);
int vmi_refresh_targets(struct domm_vmi *vmi);

/* Marks all of its frames as not mapped. */
void target_memory_invalidate(struct domm_vmi_memory *memory);
/* Marks all of its regions as unknown to dommd. */
void target_memory_forget_located(struct domm_vmi_memory *memory);
/* Takes an event of dommd's: REGION or PAGES. */
void vmi_take_event(struct domm_vmi *vmi, const struct domm_reply *event);
/* Maps all wanted frames again. */
int target_memory_restore(struct domm_vmi_memory *memory);

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

static inline const unsigned char *page_of(const struct domm_vmi_memory *memory, uint64_t gfn)
{
    return memory->base + region_of(gfn) * DOMM_REGION_BYTES + (size_t)slot_of(gfn) * DOMM_VMI_PAGE;
}

#endif
