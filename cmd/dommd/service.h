/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DOMM_DOMMD_SERVICE_H
#define DOMM_DOMMD_SERVICE_H

#include "cmd/dommd/watcher.h"

/* Opens the doors to Xen; service_close lets go of everything, and takes nothing back. */
int service_open(struct service *service, struct domm_error *err);
void service_close(struct service *service);

/* Serves until signal_fd is readable; then, if `revoke`, takes back every mapping. */
int service_run(struct service *service, int signal_fd, bool revoke, struct domm_error *err);

/* Prints what a scan of each domM (or of one domain, if named) finds, a line for each. */
int service_scan(struct service *service, const char *domain, struct domm_error *err);

#endif
