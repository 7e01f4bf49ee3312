/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Why there is no door to Xen: told apart by looking at the system's files before libxl is
 * opened, since libxl's own answer is the same for all of them.
 */
#ifndef DOMM_XEN_PROBE_H
#define DOMM_XEN_PROBE_H

#include "lib/base/error.h"

/* Looks below the directory root_fd ("/", or a test's copy). 0 if this is a dom0 whose hypervisor
 * we may call, else DOMM_NOT_PERMITTED. */
int domm_probe_hypervisor(int root_fd, struct domm_error *err);

/* Whether xenstored accepts a connection on this socket. libxenstore would fall back to the
 * kernel's xenbus, which waits for ever when xenstored is dead. */
int domm_probe_xenstored(const char *socket_path, struct domm_error *err);

/* Both checks, for this machine. */
int domm_probe_dom0(struct domm_error *err);

#endif
