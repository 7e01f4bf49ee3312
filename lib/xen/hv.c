/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/xen/hv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <xenctrl.h>
#include <xenguest.h>

#include "lib/xen/hv_internal.h"

/* xc_map_m2p maps whole chunks of 2 MiB (tools/libs/guest/xg_private.h, M2P_SIZE). */
#define M2P_BYTES(count) (((count) * sizeof(uint64_t) + (2u << 20) - 1) & ~((size_t)(2u << 20) - 1))

int domm_hv_open(struct domm_log *log, struct domm_hv **hv_r, struct domm_error *err)
{
    struct domm_hv *hv = calloc(1, sizeof(*hv));
    if (!hv)
        return domm_no_memory(err);
    domm_xtl_init(&hv->xtl, log);
    hv->control = xc_interface_open(&hv->xtl.vtable, &hv->xtl.vtable, 0);
    hv->call = xencall_open(&hv->xtl.vtable, 0);
    hv->foreign = xenforeignmemory_open(&hv->xtl.vtable, 0);
    if (hv->call) {
        hv->batch = xencall_alloc_buffer(hv->call, DOMM_HV_BATCH * sizeof(*hv->batch));
        hv->done = xencall_alloc_buffer(hv->call, sizeof(*hv->done));
    }
    if (!hv->control || !hv->foreign || !hv->batch || !hv->done) {
        int reason = errno;
        domm_hv_close(hv);
        return domm_fail_errno(err, DOMM_NOT_PERMITTED, reason, "opening the hypervisor interface");
    }
    *hv_r = hv;
    return 0;
}

void domm_hv_close(struct domm_hv *hv)
{
    if (!hv)
        return;
    if (hv->m2p)
        munmap(hv->m2p, M2P_BYTES(hv->m2p_count));
    if (hv->call) {
        xencall_free_buffer(hv->call, hv->batch);
        xencall_free_buffer(hv->call, hv->done);
        xencall_close(hv->call);
    }
    if (hv->foreign)
        xenforeignmemory_close(hv->foreign);
    if (hv->control)
        xc_interface_close(hv->control);
    free(hv);
}

struct domm_log *domm_hv_log(const struct domm_hv *hv)
{
    return hv->xtl.log;
}

int domm_hv_pause(struct domm_hv *hv, uint32_t domid, struct domm_error *err)
{
    if (xc_domain_pause(hv->control, domid) == 0)
        return 0;
    return domm_fail_errno(err, errno == ESRCH ? DOMM_NOT_FOUND : DOMM_FAILED, errno,
                           "pausing domain %u", domid);
}

int domm_hv_unpause(struct domm_hv *hv, uint32_t domid, struct domm_error *err)
{
    if (xc_domain_unpause(hv->control, domid) == 0)
        return 0;
    return domm_fail_errno(err, errno == ESRCH ? DOMM_NOT_FOUND : DOMM_FAILED, errno,
                           "unpausing domain %u", domid);
}

int domm_hv_m2p(struct domm_hv *hv, const uint64_t **m2p_r, size_t *count_r, struct domm_error *err)
{
    unsigned long last = 0;
    if (!hv->m2p) {
        if (xc_maximum_ram_page(hv->control, &last) == 0)
            hv->m2p = xc_map_m2p(hv->control, last, PROT_READ, NULL);
        if (!hv->m2p)
            return domm_fail_errno(err, DOMM_FAILED, errno, "mapping Xen's table of frames");
        hv->m2p_count = last;
    }
    *m2p_r = hv->m2p;
    *count_r = hv->m2p_count;
    return 0;
}

void *domm_hv_map(struct domm_hv *hv, uint32_t domid, const uint64_t *frames, size_t count,
                  int *errors)
{
    void *pages = xenforeignmemory_map(hv->foreign, domid, PROT_READ, count, frames, errors);
    for (size_t i = 0; pages && i < count; i++)
        errors[i] = errors[i] < 0 ? -errors[i] : errors[i];
    return pages;
}

void domm_hv_unmap(struct domm_hv *hv, void *pages, size_t count)
{
    if (pages)
        xenforeignmemory_unmap(hv->foreign, pages, count);
}

bool domm_hv_domain(struct domm_hv *hv, uint32_t domid, xc_domaininfo_t *info_r)
{
    return xc_domain_getinfolist(hv->control, domid, 1, info_r) == 1 && info_r->domain == domid;
}

int domm_hv_suspended(struct domm_hv *hv, uint32_t domid, bool *suspended_r, struct domm_error *err)
{
    xc_domaininfo_t info;
    if (!domm_hv_domain(hv, domid, &info))
        return domm_fail(err, DOMM_NOT_FOUND, "there is no domain %u", domid);
    unsigned int reason = info.flags >> XEN_DOMINF_shutdownshift & XEN_DOMINF_shutdownmask;
    *suspended_r = (info.flags & XEN_DOMINF_shutdown) && reason == SHUTDOWN_suspend;
    return 0;
}

bool domm_hv_paused(struct domm_hv *hv, uint32_t domid)
{
    xc_domaininfo_t info;
    return domm_hv_domain(hv, domid, &info) && (info.flags & XEN_DOMINF_paused);
}

bool domm_hv_alive(struct domm_hv *hv, uint32_t domid)
{
    xc_domaininfo_t info;
    return domm_hv_domain(hv, domid, &info) && !(info.flags & XEN_DOMINF_dying);
}

int domm_hv_free_kib(struct domm_hv *hv, uint64_t *kib_r, struct domm_error *err)
{
    xc_physinfo_t info = {0};
    if (xc_physinfo(hv->control, &info))
        return domm_fail_errno(err, DOMM_FAILED, errno, "asking Xen for its free memory");
    *kib_r = info.free_pages * (DOMM_PAGE_SIZE / 1024);
    return 0;
}

int domm_hv_cpu_features(struct domm_hv *hv, bool pv, bool most, uint32_t words_r[DOMM_CPU_WORDS],
                         size_t *count_r, struct domm_error *err)
{
    static const uint32_t indices[2][2] = {
        {XEN_SYSCTL_cpu_featureset_hvm, XEN_SYSCTL_cpu_featureset_hvm_max},
        {XEN_SYSCTL_cpu_featureset_pv, XEN_SYSCTL_cpu_featureset_pv_max},
    };
    uint32_t count = DOMM_CPU_WORDS;
    memset(words_r, 0, DOMM_CPU_WORDS * sizeof(*words_r));
    if (xc_get_cpu_featureset(hv->control, indices[pv][most], &count, words_r))
        return domm_fail_errno(err, DOMM_FAILED, errno, "asking Xen for CPU features");
    *count_r = count < DOMM_CPU_WORDS ? count : DOMM_CPU_WORDS;
    return 0;
}

/* Fills the hypercall's buffer with updates that have not been tried yet. */
static void fill_batch(struct domm_hv *hv, const struct domm_pte_update *updates, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        hv->batch[i].ptr = updates[i].table_mfn << 12 | updates[i].slot * 8 | MMU_NORMAL_PT_UPDATE;
        hv->batch[i].val = updates[i].value;
    }
}

int domm_hv_update(struct domm_hv *hv, uint32_t table_owner, uint32_t frame_owner,
                   struct domm_pte_update *updates, size_t count, size_t *done_r,
                   struct domm_error *err)
{
    uint64_t domains = (uint64_t)(table_owner + 1) << 16 | frame_owner;
    *done_r = 0;
    for (size_t i = 0; i < count;) {
        size_t n = count - i < DOMM_HV_BATCH ? count - i : DOMM_HV_BATCH;
        fill_batch(hv, updates + i, n);
        *hv->done = 0;
        int rc = xencall4(hv->call, __HYPERVISOR_mmu_update, (uint64_t)(uintptr_t)hv->batch, n,
                          (uint64_t)(uintptr_t)hv->done, domains);
        int reason = errno;
        size_t done = *hv->done;
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
