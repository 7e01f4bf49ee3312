/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/xen/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <xenctrl.h>
#include <xenguest.h>

#include "lib/xen/memory-internal.h"

/* Above this a translated guest has its hole for devices and special pages, and the RAM beyond. */
#define LOW_FRAMES_END 0xf0000u

/* xc_map_m2p maps whole chunks of 2 MiB (tools/libs/guest/xg_private.h, M2P_SIZE). */
#define M2P_BYTES(count) (((count) * sizeof(uint64_t) + (2u << 20) - 1) & ~((size_t)(2u << 20) - 1))

int domm_memory_open(struct domm_log *log, struct domm_memory **memory_r, struct domm_error *err)
{
    struct domm_memory *memory = calloc(1, sizeof(*memory));
    if (!memory)
        return domm_no_memory(err);
    domm_xtl_init(&memory->xtl, log);
    memory->control = xc_interface_open(&memory->xtl.vtable, &memory->xtl.vtable, 0);
    memory->call = xencall_open(&memory->xtl.vtable, 0);
    memory->foreign = xenforeignmemory_open(&memory->xtl.vtable, 0);
    if (memory->call) {
        memory->batch = xencall_alloc_buffer(memory->call, DOMM_BATCH * sizeof(*memory->batch));
        memory->done = xencall_alloc_buffer(memory->call, sizeof(*memory->done));
    }
    if (!memory->control || !memory->foreign || !memory->batch || !memory->done) {
        int reason = errno;
        domm_memory_close(memory);
        return domm_fail_errno(err, DOMM_NOT_PERMITTED, reason, "opening the hypervisor interface");
    }
    *memory_r = memory;
    return 0;
}

void domm_memory_close(struct domm_memory *memory)
{
    if (!memory)
        return;
    if (memory->m2p)
        munmap(memory->m2p, M2P_BYTES(memory->m2p_count));
    if (memory->call) {
        xencall_free_buffer(memory->call, memory->batch);
        xencall_free_buffer(memory->call, memory->done);
        xencall_close(memory->call);
    }
    if (memory->foreign)
        xenforeignmemory_close(memory->foreign);
    if (memory->control)
        xc_interface_close(memory->control);
    free(memory);
}

struct domm_log *domm_memory_log(const struct domm_memory *memory)
{
    return memory->xtl.log;
}

int domm_memory_pause(struct domm_memory *memory, uint32_t domid, struct domm_error *err)
{
    if (xc_domain_pause(memory->control, domid) == 0)
        return 0;
    return domm_fail_errno(err, errno == ESRCH ? DOMM_NOT_FOUND : DOMM_FAILED, errno,
                           "pausing domain %u", domid);
}

int domm_memory_unpause(struct domm_memory *memory, uint32_t domid, struct domm_error *err)
{
    if (xc_domain_unpause(memory->control, domid) == 0)
        return 0;
    return domm_fail_errno(err, errno == ESRCH ? DOMM_NOT_FOUND : DOMM_FAILED, errno,
                           "unpausing domain %u", domid);
}

int domm_memory_m2p(struct domm_memory *memory, const uint64_t **m2p_r, size_t *count_r,
                    struct domm_error *err)
{
    unsigned long last = 0;
    if (!memory->m2p) {
        if (xc_maximum_ram_page(memory->control, &last) == 0)
            memory->m2p = xc_map_m2p(memory->control, last, PROT_READ, NULL);
        if (!memory->m2p)
            return domm_fail_errno(err, DOMM_FAILED, errno, "mapping Xen's table of frames");
        memory->m2p_count = last;
    }
    *m2p_r = memory->m2p;
    *count_r = memory->m2p_count;
    return 0;
}

void *domm_memory_map(struct domm_memory *memory, uint32_t domid, const uint64_t *frames,
                      size_t count, int *errors)
{
    void *pages = xenforeignmemory_map(memory->foreign, domid, PROT_READ, count, frames, errors);
    for (size_t i = 0; pages && i < count; i++)
        errors[i] = errors[i] < 0 ? -errors[i] : errors[i];
    return pages;
}

void domm_memory_unmap(struct domm_memory *memory, void *pages, size_t count)
{
    if (pages)
        xenforeignmemory_unmap(memory->foreign, pages, count);
}

bool domm_memory_domain(struct domm_memory *memory, uint32_t domid, xc_domaininfo_t *info_r)
{
    return xc_domain_getinfolist(memory->control, domid, 1, info_r) == 1 && info_r->domain == domid;
}

int domm_memory_frames(struct domm_memory *memory, uint32_t domid, uint64_t *frames_r,
                       struct domm_error *err)
{
    xc_domaininfo_t info;
    xen_pfn_t end;
    if (!domm_memory_domain(memory, domid, &info) ||
        xc_domain_nr_gpfns(memory->control, domid, &end) < 0)
        return domm_fail(err, DOMM_NOT_FOUND, "asking for the memory of domain %u", domid);
    *frames_r = info.max_pages < LOW_FRAMES_END && info.max_pages < end ? info.max_pages : end;
    return 0;
}

int domm_memory_pages(struct domm_memory *memory, uint32_t domid, uint64_t *pages_r,
                      struct domm_error *err)
{
    xc_domaininfo_t info;
    if (!domm_memory_domain(memory, domid, &info))
        return domm_fail(err, DOMM_NOT_FOUND, "there is no domain %u", domid);
    *pages_r = info.tot_pages;
    return 0;
}

int domm_memory_suspended(struct domm_memory *memory, uint32_t domid, bool *suspended_r,
                          struct domm_error *err)
{
    xc_domaininfo_t info;
    if (!domm_memory_domain(memory, domid, &info))
        return domm_fail(err, DOMM_NOT_FOUND, "there is no domain %u", domid);
    unsigned int reason = info.flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask;
    *suspended_r = (info.flags & XEN_DOMINF_shutdown) && reason == SHUTDOWN_suspend;
    return 0;
}

bool domm_memory_paused(struct domm_memory *memory, uint32_t domid)
{
    xc_domaininfo_t info;
    return domm_memory_domain(memory, domid, &info) && (info.flags & XEN_DOMINF_paused);
}

bool domm_memory_alive(struct domm_memory *memory, uint32_t domid)
{
    xc_domaininfo_t info;
    return domm_memory_domain(memory, domid, &info) && !(info.flags & XEN_DOMINF_dying);
}

int domm_memory_free_kib(struct domm_memory *memory, uint64_t *kib_r, struct domm_error *err)
{
    xc_physinfo_t info = {0};
    if (xc_physinfo(memory->control, &info))
        return domm_fail_errno(err, DOMM_FAILED, errno, "asking Xen for its free memory");
    *kib_r = info.free_pages * (DOMM_PAGE_SIZE / 1024);
    return 0;
}

int domm_memory_cpu_features(struct domm_memory *memory, bool pv, bool most,
                             uint32_t words_r[DOMM_CPU_WORDS], size_t *count_r,
                             struct domm_error *err)
{
    static const uint32_t indices[2][2] = {
        {XEN_SYSCTL_cpu_featureset_hvm, XEN_SYSCTL_cpu_featureset_hvm_max},
        {XEN_SYSCTL_cpu_featureset_pv, XEN_SYSCTL_cpu_featureset_pv_max},
    };
    uint32_t count = DOMM_CPU_WORDS;
    memset(words_r, 0, DOMM_CPU_WORDS * sizeof(*words_r));
    if (xc_get_cpu_featureset(memory->control, indices[pv][most], &count, words_r))
        return domm_fail_errno(err, DOMM_FAILED, errno, "asking Xen for CPU features");
    *count_r = count < DOMM_CPU_WORDS ? count : DOMM_CPU_WORDS;
    return 0;
}

/* Fills the hypercall's buffer from updates that have not been tried yet. */
static void fill_batch(struct domm_memory *memory, const struct domm_pte_update *updates, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        memory->batch[i].ptr =
            updates[i].table_mfn << 12 | updates[i].slot * 8 | MMU_NORMAL_PT_UPDATE;
        memory->batch[i].val = updates[i].value;
    }
}

int domm_memory_update(struct domm_memory *memory, uint32_t table_owner, uint32_t frame_owner,
                       struct domm_pte_update *updates, size_t count, size_t *done_r,
                       struct domm_error *err)
{
    uint64_t domains = (uint64_t)(table_owner + 1) << 16 | frame_owner;
    *done_r = 0;
    for (size_t i = 0; i < count;) {
        size_t n = count - i < DOMM_BATCH ? count - i : DOMM_BATCH;
        fill_batch(memory, updates + i, n);
        *memory->done = 0;
        int rc = xencall4(memory->call, __HYPERVISOR_mmu_update, (uint64_t)(uintptr_t)memory->batch,
                          n, (uint64_t)(uintptr_t)memory->done, domains);
        int reason = errno;
        size_t done = *memory->done;
        if (done > n || (rc >= 0 && done < n))
            return domm_fail(err, DOMM_FAILED, "Xen wrote %zu of %zu page-table entries", done, n);
        for (size_t j = 0; j < done; j++)
            updates[i + j].error = 0;
        *done_r += done;
        i += done;
        if (rc < 0 && reason == ESRCH)
            return domm_fail_errno(err, DOMM_NOT_FOUND, reason,
                                   "writing page tables of domain %u with frames of domain %u",
                                   table_owner, frame_owner);
        if (rc < 0)
            updates[i++].error = reason;
    }
    return 0;
}
