/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What becomes of a guest that has ended by itself; for xl's guests xl's own process does it. */
#ifndef DOMM_XEN_ENDING_H
#define DOMM_XEN_ENDING_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/error.h"

struct domm_xen;

enum domm_ending {
    DOMM_ENDING_NONE,      /* it has not ended, or is to stay as it is */
    DOMM_ENDING_DESTROYED, /* it is gone */
    DOMM_ENDING_RESTARTED, /* another one of the same configuration is there, paused */
};

/*
 * Does with a guest that has powered off, rebooted or crashed what its configuration says, as
 * xl.cfg(5) has it; cores go to /var/lib/xen/dump/NAME. Of a restarted one, *domid_r is the new
 * domid, and its userdata is not taken over. If a restart fails, the old guest is gone.
 */
int domm_xen_end(struct domm_xen *xen, uint32_t domid, enum domm_ending *ending_r,
                 uint32_t *domid_r, struct domm_error *err);

/* Destroys a guest, whatever state it is in, and makes another one of its configuration by that
 * name, paused. Its userdata is not taken over. If making fails, the old guest is gone. */
int domm_xen_renew(struct domm_xen *xen, uint32_t domid, const char *name, uint32_t *domid_r,
                   struct domm_error *err);

#endif
