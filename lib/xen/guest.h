/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Creating a PV guest through libxl. */
#ifndef DOMM_XEN_GUEST_H
#define DOMM_XEN_GUEST_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/error.h"
#include "lib/base/uuid.h"

struct domm_xen;

/* The action when a guest ends by itself. */
enum domm_on_event {
    DOMM_ON_DESTROY,
    DOMM_ON_RESTART,
    DOMM_ON_RENAME_RESTART,
    DOMM_ON_PRESERVE,
    DOMM_ON_COREDUMP_DESTROY,
    DOMM_ON_COREDUMP_RESTART,
};

/* Strings are borrowed; null: not given. */
struct domm_guest_vif {
    const char *mac, *bridge, *script, *ip, *vifname;
    const char *rate;    /* as xl-network-configuration(5) has it */
    const char *backend; /* the driver domain */
    unsigned mtu;        /* 0: that of the bridge */
};

struct domm_guest_disk {
    const char *spec;   /* in the form of xl-disk-configuration(5) */
    const char *script; /* the script, if the specification has none; null: Xen's own */
};

struct domm_guest {
    const char *name;
    struct domm_uuid uuid;
    const char *kernel, *ramdisk, *cmdline;
    unsigned memory_mib, vcpus;
    unsigned max_grant_frames; /* 0: Xen's default */
    enum domm_on_event on_poweroff, on_reboot, on_crash;
    size_t n_disks, n_vifs;
    const struct domm_guest_disk *disks;
    const struct domm_guest_vif *vifs;
};

/* Whether libxlutil accepts the rate of a vif. DOMM_REFUSED. */
int domm_vif_rate_check(const char *rate, struct domm_error *err);

/* Makes a UUID (RFC 4122, version 4). */
int domm_xen_new_uuid(struct domm_uuid *uuid_r, struct domm_error *err);

/* Creates the guest with its devices, paused; dom0 gives up memory for it (room.h). On failure nothing of it is left. libxl's own
 * messages about a failure are in the log. */
int domm_xen_create(struct domm_xen *xen, const struct domm_guest *guest, uint32_t *domid_r,
                    struct domm_error *err);

#endif
