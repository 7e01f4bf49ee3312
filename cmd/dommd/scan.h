/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dommd --scan. */
#ifndef DOMM_DOMMD_SCAN_H
#define DOMM_DOMMD_SCAN_H

#include "cmd/dommd/service.h"

/* Prints what a scan of each monitor (or of one domain, if named) finds, a line for each. */
int service_scan(struct service *service, const char *domain, struct domm_error *err);

#endif
