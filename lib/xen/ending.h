/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What becomes of a guest that has ended by itself; for xl's guests xl's own process does it. */
#ifndef DOMM_XEN_ENDING_H
#define DOMM_XEN_ENDING_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/error.h"

struct domm_xen;

/*
 * Whoever is tended is dommd's to look after, with domm_xen_end: guests that domm create has made,
 * and those that xl's own process has lost, since it ends when its guest is suspended
 * (handle_domain_death, tools/xl/xl_vmcontrol.c). It is noted as userdata, which ends with the
 * domain: of one that is made anew, whoever has made it takes care. If that fails, the log says so.
 */
void domm_xen_tend(struct domm_xen *xen, uint32_t domid);

/* Whether a guest that has ended is tended, and is to be treated now: one that ends again and
 * again, soon after it has begun, has to wait up to a minute. */
bool domm_xen_end_is_due(struct domm_xen *xen, uint32_t domid);

enum domm_ending {
    DOMM_ENDING_NONE,      /* it has not ended, or is to stay as it is */
    DOMM_ENDING_DESTROYED, /* it is gone */
    DOMM_ENDING_RESTARTED, /* another one of the same configuration is there, paused */
};

/*
 * Does with a guest that has powered off, rebooted or crashed what its configuration says, as
 * xl.cfg(5) has it; cores go to /var/lib/xen/dump/NAME. Of a restarted one, *domid_r is the new
 * domid; it is tended, and has no other userdata. If a restart fails, the old guest may be gone.
 * One that is there yet is tended no longer: what there was to do is done.
 */
int domm_xen_end(struct domm_xen *xen, uint32_t domid, enum domm_ending *ending_r,
                 uint32_t *domid_r, struct domm_error *err);

/* Makes a guest of libxl's JSON by that name, paused, in place of the one that is there, whatever
 * state it is in (domid 0: none is). If making fails, the old guest is gone. */
int domm_xen_renew(struct domm_xen *xen, uint32_t domid, const char *json, const char *name,
                   uint32_t *domid_r, struct domm_error *err);

#endif
