/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Guests that dommd manages (lib/xen/lifecycle.h). */
#ifndef DOMM_DOMMD_LIFECYCLE_H
#define DOMM_DOMMD_LIFECYCLE_H

#include "cmd/dommd/service.h"

struct domm_inventory;

/* Starts a process for each of them that has powered off, rebooted or crashed: dumping a core and
 * making a guest take as long as they take, and dommd serves its monitors meanwhile. */
void service_start_endings(struct service *service, const struct domm_inventory *inventory);

/* That process: handles the end of one guest as its configuration says, if it is due and no other
 * process does. */
int service_handle_ending(struct service *service, uint32_t domid, struct domm_error *err);

#endif
