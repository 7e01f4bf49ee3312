/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pauses a guest while its memory, or a monitor's page tables, are read or changed, so that it runs
 * again even if the process that holds it dies.
 *
 * Xen counts a domain's controller pauses, and keeps the pause of a process that is killed
 * (xen/common/domain.c, domain_pause_by_systemcontroller). A process that holds a monitor therefore
 * notes this, and locks the note. An unlocked note belongs to a process that has ended: the next
 * process that holds the monitor unpauses it, or dommd, which checks when it starts and every 10
 * seconds; either logs this.
 */
#ifndef DOMM_MAPPING_PAUSE_GUARD_H
#define DOMM_MAPPING_PAUSE_GUARD_H

#include <signal.h>
#include <stdbool.h>

#include "lib/xen/hv.h"

struct domm_pause_guard {
    struct domm_hv *hv;
    uint32_t monitor;
    int notes; /* descriptor */
    sigset_t signals;
};

/*
 * On return no vCPU of the monitor runs, and no other process of this host holds it; a process that
 * does is awaited for at most 10 seconds: DOMM_FAILED. Signals do not reach this thread until
 * domm_pause_guard_end. Not for a monitor that this process holds already.
 */
int domm_pause_guard_begin(struct domm_hv *hv, uint32_t monitor, struct domm_pause_guard *guard_r,
                           struct domm_error *err);

/* Unpauses the monitor. Returns rc, the result of the work so far, with err unchanged; if rc is 0,
 * the result of unpausing. */
int domm_pause_guard_end(struct domm_pause_guard *guard, int rc, struct domm_error *err);

/* As domm_hv_layout, of a PV guest that runs: it is held meanwhile, since it could claim a
 * larger p2m between the moment at which that is checked and the one at which libxenguest allocates
 * for it (xc_map_domain_meminfo). */
int domm_pause_guard_layout(struct domm_hv *hv, uint32_t domid, struct domm_layout *layout_r,
                            struct domm_error *err);

/* Whether a live process of this host holds the domain. */
bool domm_pause_guard_is_held(uint32_t domid);

/* Unpauses the domains that are held by dead processes. The log names them, and those that could
 * not be unpaused. */
int domm_pause_guards_reclaim(struct domm_hv *hv, struct domm_error *err);

#endif
