/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How much memory a guest has, and may have. */
#include <errno.h>

#include "lib/xen/hv_internal.h"
#include "lib/xen/store.h"

/* From here to 4 GiB a translated guest has its hole for devices and special pages, and the rest of
 * its RAM above that. */
#define HOLE_BEGIN UINT64_C(0xf0000)
#define HOLE_FRAMES (UINT64_C(0x100000) - HOLE_BEGIN)

/* libxl lets a guest have so much more than its memory (LIBXL_MAXMEM_CONSTANT, libxl_internal.h):
 * with it the size is the same before and after `xl mem-set`, which lowers what Xen allows. */
#define SLACK_FRAMES 256

uint64_t domm_frames_with_hole(uint64_t pages)
{
    return pages < HOLE_BEGIN ? pages : pages + HOLE_FRAMES;
}

bool domm_frame_in_hole(uint64_t gfn)
{
    return gfn >= HOLE_BEGIN && gfn < HOLE_BEGIN + HOLE_FRAMES;
}

uint64_t domm_hv_static_max(uint32_t domid)
{
    struct domm_store *store;
    struct domm_error ignored;
    if (domm_store_open(&store, &ignored))
        return 0;
    uint64_t most = domm_store_static_max(store, domid);
    domm_store_close(store);
    return most;
}

int domm_hv_frames(struct domm_hv *hv, uint32_t domid, uint64_t most, uint64_t *frames_r,
                   struct domm_error *err)
{
    xc_domaininfo_t info;
    if (!domm_hv_domain(hv, domid, &info))
        return domm_fail(err, DOMM_NOT_FOUND, "there is no domain %u", domid);
    uint64_t pages = most ? most + SLACK_FRAMES : 0;
    if (pages < info.max_pages)
        pages = info.max_pages;
    if (pages < info.tot_pages)
        pages = info.tot_pages;
    *frames_r = domm_frames_with_hole(pages);
    return 0;
}

int domm_hv_pages(struct domm_hv *hv, uint32_t domid, uint64_t *pages_r, struct domm_error *err)
{
    xc_domaininfo_t info;
    if (!domm_hv_domain(hv, domid, &info))
        return domm_fail(err, DOMM_NOT_FOUND, "there is no domain %u", domid);
    *pages_r = info.tot_pages;
    return 0;
}

int domm_hv_missing_pages(struct domm_hv *hv, uint32_t domid, uint64_t *missing_r,
                          struct domm_error *err)
{
    xc_domaininfo_t info;
    uint64_t total, stored, on_demand;
    *missing_r = 0;
    if (!domm_hv_domain(hv, domid, &info))
        return domm_fail(err, DOMM_NOT_FOUND, "there is no domain %u", domid);
    if (!(info.flags & XEN_DOMINF_hvm_guest))
        return 0;
    if (xc_domain_get_pod_target(hv->control, domid, &total, &stored, &on_demand))
        return domm_fail_errno(err, DOMM_FAILED, errno,
                               "asking which memory of domain %u is populated on demand", domid);
    /* While it is built the store is filled first, and most of the frames come later. */
    if (!info.cpu_time)
        *missing_r = on_demand > stored ? on_demand : stored;
    else
        *missing_r = on_demand > stored ? on_demand - stored : 0;
    return 0;
}
