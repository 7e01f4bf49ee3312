/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/pair/locks.h"

#include <errno.h>
#include <stdint.h>

#include "lib/base/lock.h"
#include "lib/base/paths.h"
#include "lib/base/sleep.h"

#define SERVICE_LOCK "dommd.lock"
#define RECORDS_LOCK "records.lock"
#define GUESTS_LOCK "guests.lock"
#define SHUTDOWNS_LOCK "shutdowns.lock"

#define PATIENCE 100 /* tenths of a second */

int domm_lock_service(int *fd_r, struct domm_error *err)
{
    int rc = domm_lock_file_open(SERVICE_LOCK, fd_r, err);
    if (rc || domm_lock_file(*fd_r))
        return rc;
    return domm_fail_errno(err, DOMM_FAILED, errno, "another dommd runs: locking %s/" SERVICE_LOCK,
                           domm_run_directory);
}

bool domm_service_runs(void)
{
    return domm_lock_file_is_locked(SERVICE_LOCK);
}

int domm_lock_records(int *fd_r, struct domm_error *err)
{
    int rc = domm_lock_file_open(RECORDS_LOCK, fd_r, err);
    for (int tries = 0; !rc && !domm_lock_file(*fd_r); tries++) {
        if (errno != EWOULDBLOCK || tries == PATIENCE)
            return domm_fail_errno(err, DOMM_FAILED, errno,
                                   "another domm is changing records: locking %s/" RECORDS_LOCK,
                                   domm_run_directory);
        domm_sleep_ms(100);
    }
    return rc;
}

int domm_lock_shutdown(uint32_t domid, int *fd_r, bool *locked_r, struct domm_error *err)
{
    int rc = domm_lock_file_open(SHUTDOWNS_LOCK, fd_r, err);
    *locked_r = !rc && domm_lock_byte(*fd_r, domid);
    return rc;
}

bool domm_shutdown_is_handled(uint32_t domid)
{
    return domm_lock_byte_is_locked(SHUTDOWNS_LOCK, domid);
}

bool domm_try_lock_records(int *fd_r)
{
    struct domm_error ignored;
    return domm_lock_file_open(RECORDS_LOCK, fd_r, &ignored) == 0 && domm_lock_file(*fd_r);
}

int domm_guest_locks_open(int *fd_r, struct domm_error *err)
{
    return domm_lock_file_open(GUESTS_LOCK, fd_r, err);
}

/* 54 bits of a UUID distinguish guests well enough, and fit into an offset. */
static uint64_t guest_byte(enum domm_guest_lock kind, const struct domm_uuid *uuid)
{
    uint64_t number = 0;
    for (size_t i = 0; i < 7; i++)
        number = number << 8 | uuid->bytes[sizeof(uuid->bytes) - 1 - i];
    number = (number ^ number >> 54) & ((UINT64_C(1) << 54) - 1);
    return (uint64_t)(kind / 2) << 56 | (2 * number + kind % 2);
}

bool domm_guest_lock(int fd, enum domm_guest_lock kind, const struct domm_uuid *uuid)
{
    return domm_lock_byte(fd, guest_byte(kind, uuid));
}

void domm_guest_unlock(int fd, enum domm_guest_lock kind, const struct domm_uuid *uuid)
{
    domm_unlock_byte(fd, guest_byte(kind, uuid));
}

bool domm_guest_is_locked(enum domm_guest_lock kind, const struct domm_uuid *uuid)
{
    return domm_lock_byte_is_locked(GUESTS_LOCK, guest_byte(kind, uuid));
}

bool domm_guest_is_moving(const struct domm_uuid *uuid)
{
    return domm_guest_is_locked(DOMM_LOCK_MOVE, uuid);
}
