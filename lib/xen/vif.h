/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The network devices of dom0 that are the backends of a domain's vifs. */
#ifndef DOMM_XEN_VIF_H
#define DOMM_XEN_VIF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/error.h"

struct domm_xen;

#define DOMM_VIF_NAME 16 /* bytes, with the terminator: IFNAMSIZ */
#define DOMM_VIF_MAX 128 /* vifs of a domain; a domain with more is refused */

struct domm_vif {
    unsigned devid; /* 0 is the first entry of vif= in xl.cfg(5) */
    char name[DOMM_VIF_NAME];
};

/*
 * By rising devid. A vif whose backend is in a driver domain has no device here and is left out;
 * that a domain has none, or is not there, gives 0. The devices may come and go at any time: a
 * name is worth as much as a look at the kernel confirms.
 *
 * The nodes read belong to dom0 (docs/misc/xenstore-paths.pandoc of Xen), but "vifname" is what
 * somebody once configured, and is checked: DOMM_REFUSED. *vifs_r is the caller's to free.
 */
int domm_xen_vifs(struct domm_xen *xen, uint32_t domid, struct domm_vif **vifs_r, size_t *count_r,
                  struct domm_error *err);

/* The parts that work without Xen. A devid is a decimal number without sign, space or leading zero;
 * a name is one that Linux allows (dev_valid_name, net/core/dev.c). */
bool domm_vif_parse_devid(const char *text, unsigned *devid_r);
bool domm_vif_name_valid(const char *name);

#endif
