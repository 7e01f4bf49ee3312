/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xenctrl.h>
#include <xenguest.h>

#include "lib/base/cleanup.h"
#include "lib/xen/hv_internal.h"

#define ENTRIES_PER_PAGE (DOMM_PAGE_SIZE / sizeof(uint64_t))

/* A copy of the page shared by the guest and Xen. */
static int read_shared_info(struct domm_hv *hv, uint32_t domid, struct arch_shared_info *r,
                            struct domm_error *err)
{
    xc_domaininfo_t info;
    int error;
    if (!domm_hv_domain(hv, domid, &info))
        return domm_fail(err, DOMM_NOT_FOUND, "there is no domain %u", domid);
    if (info.flags & XEN_DOMINF_hvm_guest)
        return domm_fail(err, DOMM_REFUSED, "domain %u is not a PV guest", domid);
    const shared_info_t *shared = domm_hv_map(hv, domid, &info.shared_info_frame, 1, &error);
    if (shared && !error)
        memcpy(r, &shared->arch, sizeof(*r));
    domm_hv_unmap(hv, (void *)(uintptr_t)shared, 1);
    if (!shared || error)
        return domm_fail(err, DOMM_FAILED, "mapping the shared_info of domain %u", domid);
    return 0;
}

int domm_hv_p2m_location(struct domm_hv *hv, uint32_t domid, struct domm_p2m_location *location_r,
                         struct domm_error *err)
{
    struct arch_shared_info shared;
    int rc = read_shared_info(hv, domid, &shared, err);
    if (rc)
        return rc;
    *location_r = (struct domm_p2m_location){
        .frames = shared.max_pfn, .generation = shared.p2m_generation, .root = shared.p2m_cr3};
    return 0;
}

static uint64_t *map_p2m(struct domm_hv *hv, uint32_t domid, uint64_t va, size_t pages)
{
    cleanup_free uint64_t *mfns = calloc(pages, sizeof(*mfns));
    cleanup_free int *errors = calloc(pages, sizeof(*errors));
    if (!mfns || !errors)
        return NULL;
    for (size_t i = 0; i < pages; i++) {
        mfns[i] = xc_translate_foreign_address(hv->control, domid, 0, va + i * DOMM_PAGE_SIZE);
        if (!mfns[i])
            return NULL;
    }
    uint64_t *p2m = domm_hv_map(hv, domid, mfns, pages, errors);
    for (size_t i = 0; p2m && i < pages; i++) {
        if (errors[i]) {
            domm_hv_unmap(hv, p2m, pages);
            p2m = NULL;
        }
    }
    return p2m;
}

int domm_hv_layout_restored(struct domm_hv *hv, uint32_t domid, struct domm_layout *layout_r,
                            struct domm_error *err)
{
    struct arch_shared_info shared;
    *layout_r = (struct domm_layout){0};
    int rc = read_shared_info(hv, domid, &shared, err);
    if (rc)
        return rc;
    if (!shared.p2m_vaddr || !shared.max_pfn)
        return domm_fail(err, DOMM_REFUSED, "domain %u does not say where its p2m is", domid);
    rc = domm_hv_check_p2m_size(hv, domid, shared.max_pfn, err);
    if (rc)
        return rc;
    struct xc_domain_meminfo *meminfo = calloc(1, sizeof(*meminfo));
    if (!meminfo)
        return domm_no_memory(err);
    meminfo->p2m_size = shared.max_pfn;
    meminfo->p2m_frames =
        (unsigned int)((shared.max_pfn + ENTRIES_PER_PAGE - 1) / ENTRIES_PER_PAGE);
    meminfo->p2m_table = map_p2m(hv, domid, shared.p2m_vaddr, meminfo->p2m_frames);
    if (!meminfo->p2m_table) {
        free(meminfo);
        return domm_fail(err, DOMM_FAILED, "mapping the p2m of the restored domain %u", domid);
    }
    *layout_r = (struct domm_layout){
        .count = meminfo->p2m_size, .mfns = meminfo->p2m_table, .meminfo = meminfo};
    return 0;
}
