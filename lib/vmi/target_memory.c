/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Address space for a target's memory, and requests to dommd to fill it. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "lib/vmi/vmi_internal.h"

#define REGION ((size_t)DOMM_REGION_BYTES)

static unsigned char *region_base(const struct domm_vmi_memory *memory, size_t region)
{
    return memory->base + region * REGION;
}

static int target_memory_reserve(struct domm_vmi_memory *memory)
{
    memory->reserved_size = (memory->n_regions + 1) * REGION;
    void *reserved = mmap(NULL, memory->reserved_size, PROT_NONE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (reserved == MAP_FAILED)
        return -errno;
    memory->reserved = reserved;
    memory->base = (unsigned char *)(((uintptr_t)reserved + REGION - 1) & ~(uintptr_t)(REGION - 1));
    return 0;
}

/*
 * The nonce page makes the page table exist; locked, so that it stays. The rest is a mapping of
 * privcmd opened read-only: Linux takes its frames for none of its own, and mprotect cannot make it
 * writable. A child of fork has none of it: dom0 would not know its page tables.
 */
static int target_memory_prepare(struct domm_vmi_memory *memory, size_t number)
{
    struct vmi_region *region = &memory->regions[number];
    unsigned char *base = region_base(memory, number);
    if (region->ready)
        return 0;
    if (mmap(base, DOMM_VMI_PAGE, PROT_READ | PROT_WRITE,
             MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0) == MAP_FAILED)
        return -errno;
    memcpy(base, memory->nonce, sizeof(memory->nonce));
    if (mlock(base, DOMM_VMI_PAGE))
        return -errno;
    if (mmap(base + DOMM_VMI_PAGE, REGION - DOMM_VMI_PAGE, PROT_READ, MAP_FIXED | MAP_SHARED,
             memory->privcmd, 0) == MAP_FAILED)
        return -errno;
    if (madvise(base, REGION, MADV_DONTFORK))
        return -errno;
    region->ready = true;
    return 0;
}

/* Claims at dommd all unclaimed regions from `first` on, as many at once as possible. */
static int target_memory_locate(struct domm_vmi_memory *memory, size_t first, size_t end)
{
    while (first < end) {
        uint32_t count = 0;
        while (first + count < end && count < DOMM_REGIONS_AT_ONCE) {
            int rc = target_memory_prepare(memory, first + count);
            if (rc)
                return rc;
            count++;
        }
        struct domm_request request = {
            .type = DOMM_REQUEST_LOCATE,
            .va = (uintptr_t)region_base(memory, first),
            .count = count,
        };
        struct domm_reply reply;
        memcpy(request.nonce, memory->nonce, sizeof(request.nonce));
        int rc = vmi_request(memory->vmi, &request, &reply);
        if (rc)
            return rc;
        for (uint32_t i = 0; i < count; i++)
            memory->regions[first + i].located = true;
        first += count;
    }
    return 0;
}

/* Claims the regions from first to before end that dommd does not know, run by run. */
static int locate_missing(struct domm_vmi_memory *memory, size_t first, size_t end)
{
    int rc = 0;
    while (!rc && first < end) {
        size_t run = first;
        while (run < end && !memory->regions[run].located)
            run++;
        rc = run > first ? target_memory_locate(memory, first, run) : 0;
        first = run + 1;
    }
    return rc;
}

/* Maps a run of frames within one region, all beyond or none. Returns how many are mapped. */
static int map_run(struct domm_vmi_memory *memory, uint64_t gfn, uint32_t count)
{
    struct vmi_region *region = &memory->regions[region_of(gfn)];
    int position = vmi_find_target(memory->vmi, memory->uuid);
    if (position < 0)
        return -EIO;
    bool beyond = gfn >= target_memory_beyond(memory);
    struct domm_request request = {
        .type = beyond ? DOMM_REQUEST_BEYOND : DOMM_REQUEST_MAP,
        .target = (uint32_t)position,
        .va = (uintptr_t)region_base(memory, region_of(gfn)),
        .slot = slot_of(gfn),
        .count = count,
        .gfn = beyond ? gfn - target_memory_beyond(memory) : gfn,
    };
    struct domm_reply reply;
    int rc = vmi_request(memory->vmi, &request, &reply);
    if (rc)
        return rc;
    int mapped = 0;
    for (uint32_t slot = request.slot; slot < request.slot + count; slot++) {
        bool valid = bit_get(reply.valid, slot);
        bit_put(region->asked, slot, true);
        bit_put(region->valid, slot, valid);
        mapped += valid;
    }
    return mapped;
}

static uint32_t run_length(uint64_t gfn, uint64_t count)
{
    uint64_t rest = DOMM_REGION_SLOTS - gfn % DOMM_REGION_SLOTS;
    return (uint32_t)(count < rest ? count : rest);
}

static bool target_memory_in_range(const struct domm_vmi_memory *memory, uint64_t gfn,
                                   uint64_t count)
{
    return gfn < memory->frames && count <= memory->frames - gfn;
}

static ssize_t map_runs(struct domm_vmi_memory *memory, uint64_t gfn, uint64_t count)
{
    ssize_t mapped = 0;
    if (count == 0)
        return 0;
    if (!memory->attached)
        return -EIO;
    int rc = locate_missing(memory, region_of(gfn), region_of(gfn + count - 1) + 1);
    while (rc >= 0 && count) {
        uint32_t run = run_length(gfn, count);
        rc = map_run(memory, gfn, run);
        mapped += rc > 0 ? rc : 0;
        gfn += run;
        count -= run;
    }
    return rc < 0 ? rc : mapped;
}

ssize_t domm_vmi_map(struct domm_vmi_memory *memory, uint64_t gfn, uint64_t count)
{
    if (!target_memory_in_range(memory, gfn, count))
        return -EINVAL;
    return map_runs(memory, gfn, count);
}

/* There is room for as many as there are frames. */
ssize_t domm_vmi_map_beyond(struct domm_vmi_memory *memory)
{
    uint64_t asked = memory->beyond_asked;
    uint64_t most = memory->beyond < memory->frames ? memory->beyond : memory->frames;
    if (most <= asked)
        return 0;
    ssize_t mapped = map_runs(memory, target_memory_beyond(memory) + asked, most - asked);
    if (mapped >= 0)
        memory->beyond_asked = most;
    return mapped;
}

int domm_vmi_unmap(struct domm_vmi_memory *memory, uint64_t gfn, uint64_t count)
{
    if (!target_memory_in_range(memory, gfn, count))
        return -EINVAL;
    while (count) {
        uint32_t run = run_length(gfn, count);
        struct vmi_region *region = &memory->regions[region_of(gfn)];
        struct domm_request request = {
            .type = DOMM_REQUEST_UNMAP,
            .va = (uintptr_t)region_base(memory, region_of(gfn)),
            .slot = slot_of(gfn),
            .count = run,
        };
        struct domm_reply reply;
        for (uint32_t slot = request.slot; slot < request.slot + run; slot++) {
            bit_put(region->asked, slot, false);
            bit_put(region->valid, slot, false);
        }
        int rc = vmi_request(memory->vmi, &request, &reply);
        if (rc)
            return rc;
        gfn += run;
        count -= run;
    }
    return 0;
}

/* Another dommd finds the pages beyond in another order, and another domain has others: they are
 * mapped anew once dommd has told of them. */
static void forget_beyond(struct domm_vmi_memory *memory)
{
    for (size_t i = region_of(target_memory_beyond(memory)); i < memory->n_regions; i++) {
        memset(memory->regions[i].asked, 0, sizeof(memory->regions[i].asked));
        memset(memory->regions[i].valid, 0, sizeof(memory->regions[i].valid));
    }
    memory->owned = memory->beyond = memory->beyond_asked = 0;
}

void target_memory_invalidate(struct domm_vmi_memory *memory)
{
    forget_beyond(memory);
    memory->attached = false;
    memory->generation++;
    for (size_t i = 0; i < memory->n_regions; i++)
        memset(memory->regions[i].valid, 0, sizeof(memory->regions[i].valid));
}

static int restore_region(struct domm_vmi_memory *memory, size_t number)
{
    struct vmi_region *region = &memory->regions[number];
    uint64_t gfn = (uint64_t)number * DOMM_REGION_SLOTS;
    int rc = 0;
    for (uint32_t slot = 1; rc >= 0 && slot < DOMM_PTES;) {
        uint32_t end = slot;
        while (end < DOMM_PTES && bit_get(region->asked, end))
            end++;
        if (end > slot)
            rc = map_run(memory, gfn + slot - 1, end - slot);
        slot = end + 1;
    }
    return rc < 0 ? rc : 0;
}

void target_memory_forget_located(struct domm_vmi_memory *memory)
{
    for (size_t i = 0; i < memory->n_regions; i++)
        memory->regions[i].located = false;
}

int target_memory_restore(struct domm_vmi_memory *memory)
{
    int rc = 0;
    memory->attached = true;
    forget_beyond(memory);
    for (size_t i = 0; !rc && i < memory->n_regions;) {
        size_t end = i;
        while (end < memory->n_regions && memory->regions[end].ready)
            end++;
        rc = end > i ? locate_missing(memory, i, end) : 0;
        for (; !rc && i < end; i++)
            rc = restore_region(memory, i);
        i = end + 1;
    }
    return rc;
}

static int target_memory_fill(struct domm_vmi_memory *memory)
{
    memory->n_regions = 2 * (region_of(memory->frames - 1) + 1);
    memory->regions = calloc(memory->n_regions, sizeof(*memory->regions));
    if (!memory->regions)
        return -ENOMEM;
    if (getrandom(memory->nonce, sizeof(memory->nonce), 0) != (ssize_t)sizeof(memory->nonce))
        return -errno;
    memory->privcmd = open("/dev/xen/privcmd", O_RDONLY | O_CLOEXEC);
    if (memory->privcmd < 0)
        return -errno;
    return target_memory_reserve(memory);
}

int domm_vmi_memory_open(struct domm_vmi *vmi, const unsigned char uuid[16],
                         struct domm_vmi_memory **memory_r)
{
    int position = vmi_find_target(vmi, uuid);
    if (position < 0)
        return position;
    if (!vmi->targets[position].attached || vmi->targets[position].frames == 0)
        return -EIO;
    struct domm_vmi_memory *memory = calloc(1, sizeof(*memory));
    if (!memory)
        return -ENOMEM;
    memory->vmi = vmi;
    memory->frames = vmi->targets[position].frames;
    memory->attached = true;
    memory->privcmd = -1;
    memcpy(memory->uuid, uuid, sizeof(memory->uuid));
    memory->next = vmi->memories;
    vmi->memories = memory;
    int rc = target_memory_fill(memory);
    if (rc)
        domm_vmi_memory_close(memory);
    else
        *memory_r = memory;
    return rc;
}

/* Unmapping the addresses removes the frames from the page tables as well. */
void domm_vmi_memory_close(struct domm_vmi_memory *memory)
{
    if (!memory)
        return;
    struct domm_vmi_memory **link = &memory->vmi->memories;
    while (*link != memory)
        link = &(*link)->next;
    *link = memory->next;
    if (memory->reserved)
        munmap(memory->reserved, memory->reserved_size);
    if (memory->privcmd >= 0)
        close(memory->privcmd);
    free(memory->regions);
    free(memory);
}

uint64_t domm_vmi_memory_frames(const struct domm_vmi_memory *memory)
{
    return memory->frames;
}

uint64_t domm_vmi_owned(const struct domm_vmi_memory *memory)
{
    return memory->owned;
}

uint64_t domm_vmi_beyond(const struct domm_vmi_memory *memory)
{
    return memory->beyond_asked;
}

uint64_t domm_vmi_generation(const struct domm_vmi_memory *memory)
{
    return memory->generation;
}
