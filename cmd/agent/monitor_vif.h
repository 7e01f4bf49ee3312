/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The monitor vifs inside the monitor: network interfaces that receive the targets' packets. */
#ifndef DOMM_AGENT_MONITOR_VIF_H
#define DOMM_AGENT_MONITOR_VIF_H

#include <stddef.h>

/* Sets the interface of a vif up, without addresses, since nothing is sent on it. Returns null, or
 * a static text that says why packets cannot arrive. */
const char *monitor_vif_raise(unsigned devid);

#endif
