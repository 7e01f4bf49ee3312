/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Holding a domM: pausing it while its page tables are read or changed, in a way that it runs on
 * whatever becomes of the process that holds it.
 *
 * Xen counts a domain's controller pauses, and takes none back when who made it is killed
 * (xen/common/domain.c, domain_pause_by_systemcontroller). So who holds a domM notes it, and has
 * the note locked; a note that nobody has locked is of a process that has ended, and the domM is
 * let run by the next one that holds it, or by dommd, which looks when it starts and every 10
 * seconds; either says so.
 */
#ifndef DOMM_MAPPING_HOLD_H
#define DOMM_MAPPING_HOLD_H

#include <signal.h>

#include "lib/xen/memory.h"

struct domm_hold {
    struct domm_memory *memory;
    uint32_t domm;
    int notes; /* descriptor */
    sigset_t signals;
};

/*
 * On return no vCPU of domM runs, and no other process of this host holds it; who does is waited
 * for, 10 seconds at most: DOMM_FAILED. Until domm_hold_end signals do not reach this thread. Not
 * for a domM that this process holds already.
 */
int domm_hold(struct domm_memory *memory, uint32_t domm, struct domm_hold *hold_r,
              struct domm_error *err);

/* Lets it run. Returns rc, what has come of the work so far, with err as it is; if that is 0, what
 * has come of this. */
int domm_hold_end(struct domm_hold *hold, int rc, struct domm_error *err);

/* As domm_memory_layout, of a PV guest that runs: it is held meanwhile, since it could claim a
 * larger p2m between the moment at which that is checked and the one at which libxenguest allocates
 * for it (xc_map_domain_meminfo). */
int domm_hold_for_layout(struct domm_memory *memory, uint32_t domid, struct domm_layout *layout_r,
                         struct domm_error *err);

/* Lets the domains run that are held by nobody who lives. The log says which, and which cannot. */
int domm_holds_settle(struct domm_memory *memory, struct domm_error *err);

#endif
