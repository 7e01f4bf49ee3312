/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by the files about guests' memory only. */
#ifndef DOMM_XEN_HV_INTERNAL_H
#define DOMM_XEN_HV_INTERNAL_H

#include <xencall.h>
#include <xenctrl.h>
#include <xenforeignmemory.h>

#include "lib/xen/hv.h"
#include "lib/xen/xen_internal.h"

/* Entries per hypercall: two pages of arguments. */
#define DOMM_HV_BATCH 512

struct domm_hv {
    struct domm_xtl xtl;
    xc_interface *control;
    xencall_handle *call;
    xenforeignmemory_handle *foreign;
    struct mmu_update *batch; /* buffers that Xen can read at any moment */
    unsigned int *done;
    uint64_t *m2p;
    size_t m2p_count;
};

/* Asks Xen for a domain; false if it does not exist. (Xen answers with the next domain then.) */
bool domm_hv_domain(struct domm_hv *hv, uint32_t domid, xc_domaininfo_t *info_r);

/* DOMM_REFUSED if a p2m of so many frames is more than the memory the guest may have, or had at its
 * start, with room for holes. The guest claims the size, and dom0 needs memory and time for each
 * frame. */
int domm_hv_check_p2m_size(struct domm_hv *hv, uint32_t domid, uint64_t frames,
                           struct domm_error *err);

#endif
