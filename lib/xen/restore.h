/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Building a domain from libxl's migration stream. */
#ifndef DOMM_XEN_RESTORE_H
#define DOMM_XEN_RESTORE_H

#include <stdint.h>

#include "lib/base/error.h"
#include "lib/xen/xen.h"

/*
 * Builds the domain whose configuration is libxl's JSON, by another name, from a stream of version
 * 2 that is read from fd to its end. It is there with its devices, and paused, but without the vifs
 * that another process adds meanwhile (restore_vifs.h). On failure nothing of it is left but what
 * that process has added while libxl destroyed the domain; *domid_r says which domain that was.
 * DOMM_REFUSED for a configuration that libxl does not understand. libxl's own words on a failure
 * have gone to the log.
 *
 * libxl reads the stream, which is whatever the other end has sent, in a process of its own.
 */
int domm_xen_restore(struct domm_xen *xen, const char *json, const char *name, int fd,
                     uint32_t *domid_r, struct domm_error *err);

#endif
