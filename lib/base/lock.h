/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Locks of this host, in DOMM_RUN_DIRECTORY. Each ends with the process that holds it. */
#ifndef DOMM_BASE_LOCK_H
#define DOMM_BASE_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/error.h"
#include "lib/base/place.h"
#include "lib/base/uuid.h"

/* Two dommds at once would take back each other's mappings. DOMM_FAILED if another holds it. The
 * descriptor is the caller's to close. */
int domm_lock_service(int *fd_r, struct domm_error *err);

/* Whether a dommd runs on this host. */
bool domm_service_runs(void);

/* Who is about to change a record: from looking at who watches whom until it is written. Waits for
 * who holds it, for seconds at most: DOMM_FAILED. */
int domm_lock_records(int *fd_r, struct domm_error *err);

/*
 * Locks on single guests, all in one file: ranges of bytes that are named by the guests' UUIDs. A
 * lock belongs to the descriptor it was taken by, and ends with it.
 */
enum domm_guest_lock {
    DOMM_LOCK_MOVE,   /* somebody migrates it: its record and its pair stay as they are */
    DOMM_LOCK_TABLES, /* a domM's page tables: dommd's for the time of each request, and the mover's
                         from before the suspend until domM runs again or is gone */
};

int domm_guest_locks_open(int *fd_r, struct domm_error *err);

/* Does not wait; false if another descriptor has it. */
bool domm_guest_lock(int fd, enum domm_guest_lock kind, const struct domm_uuid *uuid);
void domm_guest_unlock(int fd, enum domm_guest_lock kind, const struct domm_uuid *uuid);

/* The notes of lib/mapping/hold.h: a byte for each domid, and a lock on it. As above. */
int domm_holds_open(int *fd_r, struct domm_error *err);
bool domm_hold_lock(int fd, uint32_t domid);
void domm_hold_unlock(int fd, uint32_t domid);

/* Whether a domM or target is being migrated. */
bool domm_guest_is_moving(const struct domm_uuid *uuid);

#endif
