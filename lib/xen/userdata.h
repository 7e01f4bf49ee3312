/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Texts that libxl stores with a domain and removes when the domain ends. */
#ifndef DOMM_XEN_USERDATA_H
#define DOMM_XEN_USERDATA_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/error.h"

struct domm_xen;

/* Reads the userdata `userid` of a domain: *data_r is the caller's to free, or null and *size_r 0
 * if there is none. DOMM_NOT_FOUND if the domain is gone. */
int domm_xen_userdata_read(struct domm_xen *xen, uint32_t domid, const char *userid, char **data_r,
                           size_t *size_r, struct domm_error *err);

/* Stores the text as the domain's userdata; null removes it. */
int domm_xen_userdata_store(struct domm_xen *xen, uint32_t domid, const char *userid,
                            const char *text, struct domm_error *err);

#endif
