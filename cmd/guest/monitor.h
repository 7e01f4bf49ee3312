/* SPDX-License-Identifier: GPL-3.0-or-later */
/* domM's ends of the monitor vifs: network interfaces by which the targets' packets come. */
#ifndef DOMM_GUEST_MONITOR_H
#define DOMM_GUEST_MONITOR_H

#include <stddef.h>

/* Sets the interface of a vif up, if it is not: without addresses, as nothing is sent by it.
 * Returns null, or why packets cannot come. The text is static. */
const char *monitor_raise(unsigned devid);

#endif
