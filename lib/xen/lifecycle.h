/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Handles guests that have ended by themselves; for xl's guests xl's own process does that. */
#ifndef DOMM_XEN_LIFECYCLE_H
#define DOMM_XEN_LIFECYCLE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/error.h"

struct domm_xen;

/*
 * Makes dommd manage the guest: dommd handles its shutdown with domm_xen_handle_shutdown. This is
 * for guests created by domm create, and for guests that xl's own process no longer manages, since
 * that process ends when its guest is suspended (handle_domain_death, tools/xl/xl_vmcontrol.c). The
 * mark is userdata, which ends with the domain: a domain that is created anew is managed by the
 * program that created it. If marking fails, the log says so.
 */
void domm_xen_manage(struct domm_xen *xen, uint32_t domid);

/* Whether a guest that has ended is managed and due: one that ends again and again, soon after its
 * start, waits up to a minute. */
bool domm_xen_shutdown_is_due(struct domm_xen *xen, uint32_t domid);

enum domm_shutdown_outcome {
    DOMM_SHUTDOWN_NONE,      /* it has not ended, or stays as it is */
    DOMM_SHUTDOWN_DESTROYED, /* the guest is destroyed */
    DOMM_SHUTDOWN_RESTARTED, /* a new domain of the same configuration exists, paused */
};

/* Dumps the core of a guest that has ended to /var/lib/xen/dump/NAME, if its configuration asks for
 * that. Takes as long as writing the guest's memory. */
int domm_xen_dump_core(struct domm_xen *xen, uint32_t domid, struct domm_error *err);

/*
 * Carries out the action that a guest's configuration specifies, as in xl.cfg(5), for its poweroff,
 * reboot or crash, all but the core dump. If the guest is restarted, *domid_r is the new domid; the new domain is managed, and has no other userdata. If a restart fails, the old
 * guest may be gone. A guest that is left is managed no longer.
 */
int domm_xen_handle_shutdown(struct domm_xen *xen, uint32_t domid,
                             enum domm_shutdown_outcome *ending_r, uint32_t *domid_r,
                             struct domm_error *err);

/* Creates a guest from libxl's JSON by that name, paused, and destroys the existing one first, in
 * whatever state (domid 0: there is none). If creating fails, the old guest is gone. */
int domm_xen_renew(struct domm_xen *xen, uint32_t domid, const char *json, const char *name,
                   uint32_t *domid_r, struct domm_error *err);

#endif
