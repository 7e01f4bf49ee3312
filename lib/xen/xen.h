/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The door to Xen. Only the files of lib/xen include Xen's headers; everything above sees the
 * types declared here and in the other headers of this directory.
 */
#ifndef DOMM_XEN_XEN_H
#define DOMM_XEN_XEN_H

#include <stdbool.h>

#include "lib/base/error.h"
#include "lib/base/log.h"

/* A connection to the hypervisor, xenstored and libxl; for one thread. */
struct domm_xen;

/* Refuses with DOMM_NOT_PERMITTED, and says which, when this is no Xen, not dom0, not root, or
 * xenstored is not there. The log is borrowed until domm_xen_close; libxl's messages go to it. */
int domm_xen_open(struct domm_log *log, struct domm_xen **xen_r, struct domm_error *err);

/* Null is fine. */
void domm_xen_close(struct domm_xen *xen);

/* The hypervisor this host runs. Strings live as long as the connection. */
struct domm_host {
    int major, minor;
    const char *extra; /* what follows "major.minor", for example ".5-pre" */
    const char *changeset;
    const char *command_line;
    bool pv_log_dirty; /* Xen can track which pages a PV guest writes */
};

int domm_xen_host(struct domm_xen *xen, struct domm_host *host_r, struct domm_error *err);

/* The version of the libxl this domm was built with. */
const char *domm_libxl_version(void);

#endif
