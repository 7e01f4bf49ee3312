/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making, ending and marking a PV guest, through libxl. */
#ifndef DOMM_XEN_GUEST_H
#define DOMM_XEN_GUEST_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/error.h"
#include "lib/base/uuid.h"

struct domm_xen;

/* What becomes of a guest when it ends by itself. */
enum domm_on_event {
    DOMM_ON_DESTROY,
    DOMM_ON_RESTART,
    DOMM_ON_RENAME_RESTART,
    DOMM_ON_PRESERVE,
    DOMM_ON_COREDUMP_DESTROY,
    DOMM_ON_COREDUMP_RESTART,
};

/* Strings are borrowed; null where nothing is given. */
struct domm_guest_vif {
    const char *mac, *bridge, *script, *ip, *vifname;
};

struct domm_guest_disk {
    const char *spec;   /* in the form of xl-disk-configuration(5) */
    const char *script; /* in place of Xen's own, if the specification has none; or null */
};

struct domm_guest {
    const char *name;
    struct domm_uuid uuid;
    const char *kernel, *ramdisk, *cmdline;
    unsigned memory_mib, vcpus;
    enum domm_on_event on_poweroff, on_reboot, on_crash;
    size_t n_disks, n_vifs;
    const struct domm_guest_disk *disks;
    const struct domm_guest_vif *vifs;
};

/* Makes a UUID (RFC 4122, version 4). */
int domm_xen_new_uuid(struct domm_uuid *uuid_r, struct domm_error *err);

/* The guest is there, with its devices, and paused. On failure nothing of it is left. libxl's own
 * words on a failure have gone to the log. */
int domm_xen_create(struct domm_xen *xen, const struct domm_guest *guest, uint32_t *domid_r,
                    struct domm_error *err);

int domm_xen_unpause(struct domm_xen *xen, uint32_t domid, struct domm_error *err);

/* DOMM_NOT_FOUND if it is not there. */
int domm_xen_destroy(struct domm_xen *xen, uint32_t domid, struct domm_error *err);

/* Keeps the text as the domain's userdata; null removes it. */
int domm_xen_userdata_store(struct domm_xen *xen, uint32_t domid, const char *userid,
                            const char *text, struct domm_error *err);

/* Memory of the host that guests can still get. */
int domm_xen_free_mib(struct domm_xen *xen, uint64_t *mib_r, struct domm_error *err);

#endif
