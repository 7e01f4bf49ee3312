/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Locks of this host. Each ends with the process that holds it. */
#ifndef DOMM_PAIR_LOCK_H
#define DOMM_PAIR_LOCK_H

#include <stdbool.h>

#include "lib/base/error.h"

#define DOMM_RUN_DIRECTORY "/run/domm"

/* Two dommds at once would take back each other's mappings. DOMM_FAILED if another holds it. The
 * descriptor is the caller's to close. */
int domm_lock_service(int *fd_r, struct domm_error *err);

/* Whether a dommd runs on this host. */
bool domm_service_runs(void);

/* Who is about to change a record: from looking at who watches whom until it is written. Waits for
 * who holds it, for seconds at most: DOMM_FAILED. */
int domm_lock_records(int *fd_r, struct domm_error *err);

#endif
