/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* News of the kernel that network devices or tc filters of dom0 have changed: a vif has got its
 * carrier, a mirror was made. It says that there is something new to read, and not what. */
#ifndef DOMM_NET_CHANGES_H
#define DOMM_NET_CHANGES_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/error.h"

/* The descriptor is the caller's to close. Changes from now on are not missed. */
int domm_net_changes_open(int *fd_r, struct domm_error *err);

/* Drops the news so far: before the kernel's state is read. */
void domm_net_changes_drop(int fd);

/* Waits for news until then (domm_now_ms). False if the time is up. */
bool domm_net_changes_wait(int fd, int64_t end_ms);

#endif
