/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xenctrl.h>
#include <xenguest.h>

#include "lib/base/cleanup.h"
#include "lib/xen/memory-internal.h"

#define DOMM_TYPE_BATCH 1024 /* what Xen answers at once */

/* Frames by which a guest's memory may reach beyond its size, around holes as for devices. */
#define HOLES (UINT64_C(4) << (30 - 12))

/* Exported by libxenctrl, but declared in a header that is not installed
 * (tools/libs/ctrl/xc_private.h). pages: in mfns of a PV guest, out types. */
int xc_get_pfn_type_batch(xc_interface *control, uint32_t domid, unsigned int count,
                          xen_pfn_t *pages);

static enum domm_page_kind kind_of(xen_pfn_t type)
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

static int fill(struct domm_layout *layout, const struct xc_domain_meminfo *meminfo)
{
    layout->count = meminfo->p2m_size;
    layout->mfns = meminfo->p2m_table;
    layout->kinds = calloc(layout->count, sizeof(*layout->kinds));
    if (!layout->kinds)
        return -1;
    for (size_t i = 0; i < layout->count; i++)
        layout->kinds[i] = kind_of(meminfo->pfn_type[i]);
    return 0;
}

int domm_memory_check_p2m_size(struct domm_memory *memory, uint32_t domid, uint64_t frames,
                               struct domm_error *err)
{
    xc_physinfo_t info = {0};
    if (xc_physinfo(memory->control, &info))
        return domm_fail_errno(err, DOMM_FAILED, errno, "asking Xen for its memory");
    if (frames <= info.total_pages + HOLES)
        return 0;
    return domm_fail(err, DOMM_REFUSED, "domain %u claims 0x%llx frames, and the host has 0x%llx",
                     domid, (unsigned long long)frames, (unsigned long long)info.total_pages);
}

int domm_memory_layout(struct domm_memory *memory, uint32_t domid, struct domm_layout *layout_r,
                       struct domm_error *err)
{
    xen_pfn_t frames = 0;
    *layout_r = (struct domm_layout){0};
    if (xc_domain_nr_gpfns(memory->control, domid, &frames) < 0)
        return domm_fail_errno(err, DOMM_FAILED, errno, "asking for the frames of domain %u",
                               domid);
    int rc = domm_memory_check_p2m_size(memory, domid, frames, err);
    if (rc)
        return rc;
    struct xc_domain_meminfo *meminfo = calloc(1, sizeof(*meminfo));
    if (!meminfo)
        return domm_no_memory(err);
    if (xc_map_domain_meminfo(memory->control, domid, meminfo)) {
        int reason = errno;
        free(meminfo);
        return domm_fail_errno(err, DOMM_FAILED, reason, "reading the memory layout of domain %u",
                               domid);
    }
    layout_r->meminfo = meminfo;
    if (meminfo->guest_width != 8)
        rc = domm_fail(err, DOMM_REFUSED, "domain %u is not a 64-bit guest", domid);
    else if (fill(layout_r, meminfo))
        rc = domm_no_memory(err);
    if (rc)
        domm_memory_layout_free(memory, layout_r);
    return rc;
}

void domm_memory_layout_free(struct domm_memory *memory, struct domm_layout *layout)
{
    if (layout->meminfo)
        xc_unmap_domain_meminfo(memory->control, layout->meminfo);
    free(layout->meminfo);
    free(layout->kinds);
    *layout = (struct domm_layout){0};
}

int domm_memory_kinds(struct domm_memory *memory, uint32_t domid, const uint64_t *frames,
                      size_t count, enum domm_page_kind *kinds_r, struct domm_error *err)
{
    xen_pfn_t pages[DOMM_TYPE_BATCH];
    for (size_t i = 0; i < count;) {
        size_t n = count - i < DOMM_TYPE_BATCH ? count - i : DOMM_TYPE_BATCH;
        memcpy(pages, frames + i, n * sizeof(*pages));
        if (xc_get_pfn_type_batch(memory->control, domid, (unsigned int)n, pages))
            return domm_fail_errno(err, DOMM_FAILED, errno,
                                   "asking for the types of pages of domain %u", domid);
        for (size_t j = 0; j < n; j++)
            kinds_r[i + j] = kind_of(pages[j]);
        i += n;
    }
    return 0;
}

int domm_memory_kind(struct domm_memory *memory, uint32_t domid, uint64_t mfn,
                     enum domm_page_kind *kind_r, struct domm_error *err)
{
    return domm_memory_kinds(memory, domid, &mfn, 1, kind_r, err);
}
