/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The disks of a running domain. */
#ifndef DOMM_XEN_DISK_H
#define DOMM_XEN_DISK_H

#include <stdint.h>

#include "lib/base/error.h"

struct domm_xen;

enum domm_disk_state { DOMM_DISK_ABSENT, DOMM_DISK_READ_ONLY, DOMM_DISK_WRITABLE };

/* Reads the state of the domain's disk of that name, such as xvdb. */
int domm_xen_disk(struct domm_xen *xen, uint32_t domid, const char *vdev,
                  enum domm_disk_state *state_r, struct domm_error *err);

#endif
