/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Making what is what the records say. */
#ifndef DOMM_DOMMD_RECONCILE_H
#define DOMM_DOMMD_RECONCILE_H

#include "cmd/dommd/service.h"

/* Reads the inventory, and brings monitors, their targets, mirrors and nodes in xenstore in line
 * with the records; handles guests that have ended. */
int service_reconcile(struct service *service, struct domm_error *err);

#endif
