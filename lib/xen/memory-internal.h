/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by the files that are about guests' memory, and by nobody else. */
#ifndef DOMM_XEN_MEMORY_INTERNAL_H
#define DOMM_XEN_MEMORY_INTERNAL_H

#include <xencall.h>
#include <xenctrl.h>
#include <xenforeignmemory.h>

#include "lib/xen/internal.h"
#include "lib/xen/memory.h"

/* Entries per hypercall: two pages of arguments. */
#define DOMM_BATCH 512

struct domm_memory {
    struct domm_xtl xtl;
    xc_interface *control;
    xencall_handle *call;
    xenforeignmemory_handle *foreign;
    struct mmu_update *batch; /* buffers that Xen can read at any moment */
    unsigned int *done;
    uint64_t *m2p;
    size_t m2p_count;
};

/* What Xen says of a domain; false if it is not there. Xen answers with the next one then. */
bool domm_memory_domain(struct domm_memory *memory, uint32_t domid, xc_domaininfo_t *info_r);

/* DOMM_REFUSED if a p2m of so many frames is more than the host's memory, with room for holes. A
 * guest's own size is no bound: with a balloon its p2m may be of many times that. */
int domm_memory_check_p2m_size(struct domm_memory *memory, uint32_t domid, uint64_t frames,
                               struct domm_error *err);

#endif
