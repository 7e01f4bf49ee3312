/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The door to Xen. Only the files of lib/xen include Xen's headers; everything above sees the
 * types declared here and in the other headers of this directory.
 */
#ifndef DOMM_XEN_XEN_H
#define DOMM_XEN_XEN_H

#include <stdbool.h>

#include "lib/base/cleanup.h"
#include "lib/base/error.h"
#include "lib/base/log.h"

/* A connection to the hypervisor, xenstored and libxl; for one thread. */
struct domm_xen;

/* DOMM_NOT_PERMITTED, with the reason, if this is not Xen, not dom0, not root, or xenstored does
 * not run. The log is borrowed until domm_xen_close; libxl's messages go to it. */
int domm_xen_open(struct domm_log *log, struct domm_xen **xen_r, struct domm_error *err);

/* Null is fine. */
void domm_xen_close(struct domm_xen *xen);

static inline void domm_cleanup_xen(struct domm_xen **xen)
{
    domm_xen_close(*xen);
}

#define cleanup_xen DOMM_CLEANUP(domm_cleanup_xen)

/* The hypervisor this host runs. Strings live as long as the connection. */
struct domm_host {
    int major, minor;
    const char *extra; /* the rest after "major.minor", for example ".5-pre" */
    const char *changeset;
    const char *command_line;
    bool pv_log_dirty; /* Xen can track which pages a PV guest writes */
};

/* Asks for version and capabilities of the hypervisor. */
int domm_xen_host(struct domm_xen *xen, struct domm_host *host_r, struct domm_error *err);

/* The version of the libxl this domm was built with. */
const char *domm_libxl_version(void);

/* Called first in a child process, for the parent's connection: after it the child may open its own
 * connections, and must not use this one. Null is fine. */
void domm_xen_forked(struct domm_xen *xen);

#endif
