/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The locks of this host that keep dommd, domm and migrations apart, as files of lib/base/lock.h.
 */
#ifndef DOMM_PAIR_LOCKS_H
#define DOMM_PAIR_LOCKS_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/error.h"
#include "lib/base/uuid.h"

/* Locks dommd's service: two dommds at once would remove each other's mappings. DOMM_FAILED if
 * another process holds it. The descriptor is the caller's to close. */
int domm_lock_service(int *fd_r, struct domm_error *err);

/* Whether a dommd runs on this host. */
bool domm_service_runs(void);

/* Locks the records. Held while a record is changed: from reading the inventory until the record is
 * written. Waits at most 10 seconds: DOMM_FAILED. */
int domm_lock_records(int *fd_r, struct domm_error *err);

/* Locks the end of a guest that dommd manages: one process handles it. *locked_r is false
 * if another does. The descriptor is the caller's to close. */
int domm_lock_shutdown(uint32_t domid, int *fd_r, bool *locked_r, struct domm_error *err);

/* Whether a process handles the end of that guest. */
bool domm_shutdown_is_handled(uint32_t domid);

/* The same without waiting; false if another program has it. *fd_r is the caller's to close. */
bool domm_try_lock_records(int *fd_r);

/* Locks of single guests and migrations, in one file: the UUID selects the byte. */
enum domm_guest_lock {
    DOMM_LOCK_MOVE,      /* the guest is being migrated: its record and its pair do not change */
    DOMM_LOCK_TABLES,    /* a monitor's page tables: dommd's for the time of each request, and the
                            migration's from before the suspend until the monitor runs again or is gone
                          */
    DOMM_LOCK_MIGRATION, /* by the UUID of a migration: a process of it, or its recovery, is at work
                            on this host */
    DOMM_LOCK_SEEN, /* dommd's, of a monitor: it has noticed that a migration has the page tables */
};

/* Opens the file of these locks, which end when the descriptor is closed. */
int domm_guest_locks_open(int *fd_r, struct domm_error *err);

/* Does not wait; false if another descriptor has it. */
bool domm_guest_lock(int fd, enum domm_guest_lock kind, const struct domm_uuid *uuid);
void domm_guest_unlock(int fd, enum domm_guest_lock kind, const struct domm_uuid *uuid);

/* Whether anybody has that lock. */
bool domm_guest_is_locked(enum domm_guest_lock kind, const struct domm_uuid *uuid);

/* Whether a monitor or target is being migrated. */
bool domm_guest_is_moving(const struct domm_uuid *uuid);

#endif
