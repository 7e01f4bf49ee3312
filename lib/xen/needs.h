/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a guest's configuration needs of the host it is to run on. */
#ifndef DOMM_XEN_NEEDS_H
#define DOMM_XEN_NEEDS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/error.h"
#include "lib/xen/domain.h"

struct domm_xen;

enum domm_need_kind {
    DOMM_NEED_BRIDGE, /* a network device of that name */
    DOMM_NEED_SCRIPT, /* a program; below /etc/xen/scripts if the path is relative */
    DOMM_NEED_FILE,   /* a disk's image or device */
};

struct domm_need {
    enum domm_need_kind kind;
    char *what;
};

#define DOMM_SCRIPTS_DIRECTORY "/etc/xen/scripts"
#define DOMM_MONITOR_DISK_SCRIPT "block-domm-monitor" /* ours: what it is given is a file */

/* From libxl's JSON; what driver domains provide is left out. DOMM_REFUSED for a configuration
 * that libxl does not understand. *needs_r is freed by domm_needs_free. */
int domm_xen_needs(struct domm_xen *xen, const char *json, struct domm_need **needs_r,
                   size_t *count_r, struct domm_error *err);
void domm_needs_free(struct domm_need *needs, size_t count);

/* CPU time that a domain's vCPUs have used so far, in ns, by Xen's account. */
int domm_xen_cpu_time(struct domm_xen *xen, uint32_t domid, uint64_t *ns_r, struct domm_error *err);

#endif
