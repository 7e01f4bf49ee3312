/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Address space for a target's memory, and asking dommd to fill it. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "lib/guest/internal.h"

#define REGION ((size_t)DOMM_REGION_BYTES)

static unsigned char *region_base(const struct domm_guest_memory *memory, size_t region)
{
    return memory->base + region * REGION;
}

static int reserve(struct domm_guest_memory *memory)
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
static int prepare(struct domm_guest_memory *memory, size_t number)
{
    struct region *region = &memory->regions[number];
    unsigned char *base = region_base(memory, number);
    if (region->ready)
        return 0;
    if (mmap(base, DOMM_GUEST_PAGE, PROT_READ | PROT_WRITE,
             MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0) == MAP_FAILED)
        return -errno;
    memcpy(base, memory->nonce, sizeof(memory->nonce));
    if (mlock(base, DOMM_GUEST_PAGE))
        return -errno;
    if (mmap(base + DOMM_GUEST_PAGE, REGION - DOMM_GUEST_PAGE, PROT_READ, MAP_FIXED | MAP_SHARED,
             memory->privcmd, 0) == MAP_FAILED)
        return -errno;
    if (madvise(base, REGION, MADV_DONTFORK))
        return -errno;
    region->ready = true;
    return 0;
}

/* Shows dommd all regions from `first` that it has to know, as many at once as may be. */
static int locate(struct domm_guest_memory *memory, size_t first, size_t end)
{
    while (first < end) {
        uint32_t count = 0;
        while (first + count < end && count < DOMM_REGIONS_AT_ONCE) {
            int rc = prepare(memory, first + count);
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
        int rc = guest_ask(memory->guest, &request, &reply);
        if (rc)
            return rc;
        for (uint32_t i = 0; i < count; i++)
            memory->regions[first + i].located = true;
        first += count;
    }
    return 0;
}

/* The regions from first to before end that are not known to dommd, run by run. */
static int locate_missing(struct domm_guest_memory *memory, size_t first, size_t end)
{
    int rc = 0;
    while (!rc && first < end) {
        size_t run = first;
        while (run < end && !memory->regions[run].located)
            run++;
        rc = run > first ? locate(memory, first, run) : 0;
        first = run + 1;
    }
    return rc;
}

/* A run of frames within one region. Returns how many are mapped. */
static int map_run(struct domm_guest_memory *memory, uint64_t gfn, uint32_t count)
{
    struct region *region = &memory->regions[region_of(gfn)];
    int place = guest_find_target(memory->guest, memory->uuid);
    if (place < 0)
        return -EIO;
    struct domm_request request = {
        .type = DOMM_REQUEST_MAP,
        .target = (uint32_t)place,
        .va = (uintptr_t)region_base(memory, region_of(gfn)),
        .slot = slot_of(gfn),
        .count = count,
        .gfn = gfn,
    };
    struct domm_reply reply;
    int rc = guest_ask(memory->guest, &request, &reply);
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

static bool in_range(const struct domm_guest_memory *memory, uint64_t gfn, uint64_t count)
{
    return gfn < memory->frames && count <= memory->frames - gfn;
}

ssize_t domm_guest_map(struct domm_guest_memory *memory, uint64_t gfn, uint64_t count)
{
    ssize_t mapped = 0;
    if (!in_range(memory, gfn, count))
        return -EINVAL;
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

int domm_guest_unmap(struct domm_guest_memory *memory, uint64_t gfn, uint64_t count)
{
    if (!in_range(memory, gfn, count))
        return -EINVAL;
    while (count) {
        uint32_t run = run_length(gfn, count);
        struct region *region = &memory->regions[region_of(gfn)];
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
        int rc = guest_ask(memory->guest, &request, &reply);
        if (rc)
            return rc;
        gfn += run;
        count -= run;
    }
    return 0;
}

void memory_invalidate(struct domm_guest_memory *memory)
{
    memory->attached = false;
    memory->generation++;
    for (size_t i = 0; i < memory->n_regions; i++)
        memset(memory->regions[i].valid, 0, sizeof(memory->regions[i].valid));
}

static int restore_region(struct domm_guest_memory *memory, size_t number)
{
    struct region *region = &memory->regions[number];
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

void memory_forget_located(struct domm_guest_memory *memory)
{
    for (size_t i = 0; i < memory->n_regions; i++)
        memory->regions[i].located = false;
}

int memory_restore(struct domm_guest_memory *memory)
{
    int rc = 0;
    memory->attached = true;
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

static int fill(struct domm_guest_memory *memory)
{
    memory->n_regions = region_of(memory->frames - 1) + 1;
    memory->regions = calloc(memory->n_regions, sizeof(*memory->regions));
    if (!memory->regions)
        return -ENOMEM;
    if (getrandom(memory->nonce, sizeof(memory->nonce), 0) != (ssize_t)sizeof(memory->nonce))
        return -errno;
    memory->privcmd = open("/dev/xen/privcmd", O_RDONLY | O_CLOEXEC);
    if (memory->privcmd < 0)
        return -errno;
    return reserve(memory);
}

int domm_guest_memory_open(struct domm_guest *guest, const unsigned char uuid[16],
                           struct domm_guest_memory **memory_r)
{
    int place = guest_find_target(guest, uuid);
    if (place < 0)
        return place;
    if (!guest->targets[place].attached || guest->targets[place].frames == 0)
        return -EIO;
    struct domm_guest_memory *memory = calloc(1, sizeof(*memory));
    if (!memory)
        return -ENOMEM;
    memory->guest = guest;
    memory->frames = guest->targets[place].frames;
    memory->attached = true;
    memory->privcmd = -1;
    memcpy(memory->uuid, uuid, sizeof(memory->uuid));
    memory->next = guest->memories;
    guest->memories = memory;
    int rc = fill(memory);
    if (rc)
        domm_guest_memory_close(memory);
    else
        *memory_r = memory;
    return rc;
}

/* Unmapping the addresses takes the frames out of the page tables as well. */
void domm_guest_memory_close(struct domm_guest_memory *memory)
{
    if (!memory)
        return;
    struct domm_guest_memory **link = &memory->guest->memories;
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

uint64_t domm_guest_memory_frames(const struct domm_guest_memory *memory)
{
    return memory->frames;
}

uint64_t domm_guest_generation(const struct domm_guest_memory *memory)
{
    return memory->generation;
}
