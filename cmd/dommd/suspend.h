/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Monitors that are about to be suspended by another toolstack. */
#ifndef DOMM_DOMMD_SUSPEND_H
#define DOMM_DOMMD_SUSPEND_H

#include "cmd/dommd/service.h"

/* Whether a request to suspend stands that the guest has not acknowledged yet. */
bool monitor_is_asked_to_suspend(struct service *service, const struct monitor *monitor);

/* Takes everything back from a monitor if it is asked to suspend, and does not serve it for a
 * while. */
void monitor_prepare_suspend(struct service *service, struct monitor *monitor);

#endif
