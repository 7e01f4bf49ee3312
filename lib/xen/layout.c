/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenctrl.h>
#include <xenguest.h>

#include "lib/base/cleanup.h"
#include "lib/xen/hv_internal.h"
#include "lib/xen/store.h"

#define DOMM_PAGE_TYPE_BATCH 1024 /* frames in one answer of Xen */

/* Frames by which a guest's memory may reach beyond its size, around holes as for devices. */
#define HOLES (UINT64_C(4) << (30 - 12))

/* Exported by libxenctrl, but declared in a header that is not installed
 * (tools/libs/ctrl/xc_private.h). pages: in mfns of a PV guest, out types. */
int xc_get_pfn_type_batch(xc_interface *control, uint32_t domid, unsigned int count,
                          xen_pfn_t *pages);

static enum domm_page_kind layout_kind_of(xen_pfn_t type)
{
    if ((type & XEN_DOMCTL_PFINFO_LTAB_MASK) == XEN_DOMCTL_PFINFO_XTAB)
        return DOMM_PAGE_ABSENT;
    switch (type & XEN_DOMCTL_PFINFO_LTABTYPE_MASK) {
    case XEN_DOMCTL_PFINFO_L1TAB:
        return DOMM_PAGE_L1;
    case XEN_DOMCTL_PFINFO_L2TAB:
        return DOMM_PAGE_L2;
    case XEN_DOMCTL_PFINFO_L3TAB:
        return DOMM_PAGE_L3;
    case XEN_DOMCTL_PFINFO_L4TAB:
        return DOMM_PAGE_L4;
    default:
        return DOMM_PAGE_ORDINARY;
    }
}

static int layout_fill(struct domm_layout *layout, const struct xc_domain_meminfo *meminfo)
{
    layout->count = meminfo->p2m_size;
    layout->mfns = meminfo->p2m_table;
    layout->kinds = calloc(layout->count, sizeof(*layout->kinds));
    if (!layout->kinds)
        return -1;
    for (size_t i = 0; i < layout->count; i++)
        layout->kinds[i] = layout_kind_of(meminfo->pfn_type[i]);
    return 0;
}

/* The frames for which a guest was made: its p2m is still of that size when the toolstack has
 * lowered what it may have (libxl_set_memory_target). 0 if the toolstack does not say. The node is
 * dom0's: a guest cannot write it. */
static uint64_t frames_at_start(uint32_t domid)
{
    struct domm_store *store;
    struct domm_error ignored;
    char path[64];
    cleanup_free char *kib = NULL;
    if (domm_store_open(&store, &ignored))
        return 0;
    snprintf(path, sizeof(path), "/local/domain/%u/memory/static-max", domid);
    domm_store_read(store, path, &kib, &ignored);
    domm_store_close(store);
    return kib ? strtoull(kib, NULL, 10) / (DOMM_PAGE_SIZE / 1024) : 0;
}

int domm_hv_check_p2m_size(struct domm_hv *hv, uint32_t domid, uint64_t frames,
                           struct domm_error *err)
{
    xc_domaininfo_t info;
    if (!domm_hv_domain(hv, domid, &info))
        return domm_fail(err, DOMM_NOT_FOUND, "there is no domain %u", domid);
    if (frames <= info.max_pages + HOLES || frames <= frames_at_start(domid) + HOLES)
        return 0;
    return domm_fail(err, DOMM_REFUSED,
                     "domain %u claims %" PRIu64 " frames of memory, and may have %" PRIu64, domid,
                     frames, (uint64_t)info.max_pages);
}

int domm_hv_layout(struct domm_hv *hv, uint32_t domid, struct domm_layout *layout_r,
                   struct domm_error *err)
{
    xen_pfn_t frames = 0;
    *layout_r = (struct domm_layout){0};
    if (xc_domain_nr_gpfns(hv->control, domid, &frames) < 0)
        return domm_fail_errno(err, DOMM_FAILED, errno, "asking for the frames of domain %u",
                               domid);
    int rc = domm_hv_check_p2m_size(hv, domid, frames, err);
    if (rc)
        return rc;
    struct xc_domain_meminfo *meminfo = calloc(1, sizeof(*meminfo));
    if (!meminfo)
        return domm_no_memory(err);
    if (xc_map_domain_meminfo(hv->control, domid, meminfo)) {
        int reason = errno;
        free(meminfo);
        return domm_fail_errno(err, DOMM_FAILED, reason, "reading the memory layout of domain %u",
                               domid);
    }
    layout_r->meminfo = meminfo;
    if (meminfo->guest_width != 8)
        rc = domm_fail(err, DOMM_REFUSED, "domain %u is not a 64-bit guest", domid);
    else if (layout_fill(layout_r, meminfo))
        rc = domm_no_memory(err);
    if (rc)
        domm_hv_layout_free(hv, layout_r);
    return rc;
}

void domm_hv_layout_free(struct domm_hv *hv, struct domm_layout *layout)
{
    if (layout->meminfo)
        xc_unmap_domain_meminfo(hv->control, layout->meminfo);
    free(layout->meminfo);
    free(layout->kinds);
    *layout = (struct domm_layout){0};
}

int domm_hv_kinds(struct domm_hv *hv, uint32_t domid, const uint64_t *frames, size_t count,
                  enum domm_page_kind *kinds_r, struct domm_error *err)
{
    xen_pfn_t pages[DOMM_PAGE_TYPE_BATCH];
    for (size_t i = 0; i < count;) {
        size_t n = count - i < DOMM_PAGE_TYPE_BATCH ? count - i : DOMM_PAGE_TYPE_BATCH;
        memcpy(pages, frames + i, n * sizeof(*pages));
        if (xc_get_pfn_type_batch(hv->control, domid, (unsigned int)n, pages))
            return domm_fail_errno(err, DOMM_FAILED, errno,
                                   "asking for the types of pages of domain %u", domid);
        for (size_t j = 0; j < n; j++)
            kinds_r[i + j] = layout_kind_of(pages[j]);
        i += n;
    }
    return 0;
}

int domm_hv_kind(struct domm_hv *hv, uint32_t domid, uint64_t mfn, enum domm_page_kind *kind_r,
                 struct domm_error *err)
{
    return domm_hv_kinds(hv, domid, &mfn, 1, kind_r, err);
}
