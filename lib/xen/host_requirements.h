/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The requirements of a guest's configuration on its host. */
#ifndef DOMM_XEN_HOST_REQUIREMENTS_H
#define DOMM_XEN_HOST_REQUIREMENTS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/error.h"
#include "lib/xen/domain.h"

struct domm_xen;

enum domm_requirement_kind {
    DOMM_REQUIREMENT_BRIDGE, /* a network device of that name */
    DOMM_REQUIREMENT_SCRIPT, /* a program; below /etc/xen/scripts if the path is relative */
    DOMM_REQUIREMENT_FILE,   /* a disk's image or device */
    DOMM_REQUIREMENT_IMAGE,  /* a kernel or RAM disk: to create the guest, not to restore it */
};

struct domm_requirement {
    enum domm_requirement_kind kind;
    char *what;
};

#define DOMM_SCRIPTS_DIRECTORY "/etc/xen/scripts"
#define DOMM_MONITOR_DISK_SCRIPT "block-domm-monitor" /* domm's script: its path is a file */

/* Reads the requirements from libxl's JSON; those on driver domains are left out. DOMM_REFUSED for
 * a configuration that libxl does not understand. *requirements_r is freed by
 * domm_requirements_free. */
int domm_xen_requirements(struct domm_xen *xen, const char *json,
                          struct domm_requirement **requirements_r, size_t *count_r,
                          struct domm_error *err);
void domm_requirements_free(struct domm_requirement *requirements, size_t count);

#endif
