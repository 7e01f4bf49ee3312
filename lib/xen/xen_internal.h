/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by the files of lib/xen only. */
#ifndef DOMM_XEN_XEN_INTERNAL_H
#define DOMM_XEN_XEN_INTERNAL_H

/* The newest libxl API that Xen 4.17 and 4.20 both offer. */
#define LIBXL_API_VERSION 0x041400

#include <libxl.h>
#include <libxl_utils.h>
#include <xenstore.h>

#include "lib/base/error.h"
#include "lib/base/log.h"

struct domm_xtl {
    xentoollog_logger vtable; /* first member: libxl passes a pointer to it */
    struct domm_log *log;
};

struct domm_xen {
    struct domm_xtl xtl;
    libxl_ctx *libxl;
    struct xs_handle *xenstore;
};

/* Makes a logger for libxl that writes to log. Nothing to free. */
void domm_xtl_init(struct domm_xtl *xtl, struct domm_log *log);

/* Parses a disk specification with libxlutil into an initialised disk. DOMM_REFUSED. */
int domm_libxl_disk(const char *spec, libxl_device_disk *disk, struct domm_error *err);

#endif
