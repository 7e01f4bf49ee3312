/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/rest.h"

#define SERVICE_LOCK "dommd.lock"
#define RECORDS_LOCK "records.lock"
#define GUESTS_LOCK "guests.lock"
#define HOLDS_LOCK "holds.lock"

#define PATIENCE 100 /* tenths of a second */

/* -1, with errno, if it cannot be opened. */
static int open_file(const char *name, int flags)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", domm_run_directory, name);
    return open(path, flags | O_CLOEXEC, 0600);
}

static int open_lock(const char *name, int *fd_r, struct domm_error *err)
{
    *fd_r = -1;
    if (mkdir(domm_run_directory, 0755) && errno != EEXIST)
        return domm_fail_errno(err, DOMM_FAILED, errno, "making %s", domm_run_directory);
    *fd_r = open_file(name, O_RDWR | O_CREAT);
    return *fd_r < 0
               ? domm_fail_errno(err, DOMM_FAILED, errno, "opening %s/%s", domm_run_directory, name)
               : 0;
}

int domm_lock_service(int *fd_r, struct domm_error *err)
{
    int rc = open_lock(SERVICE_LOCK, fd_r, err);
    if (rc || flock(*fd_r, LOCK_EX | LOCK_NB) == 0)
        return rc;
    return domm_fail_errno(err, DOMM_FAILED, errno, "another dommd runs: locking %s/" SERVICE_LOCK,
                           domm_run_directory);
}

bool domm_service_runs(void)
{
    cleanup_fd int fd = open_file(SERVICE_LOCK, O_RDONLY);
    return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

int domm_lock_records(int *fd_r, struct domm_error *err)
{
    int rc = open_lock(RECORDS_LOCK, fd_r, err);
    for (int tries = 0; !rc && flock(*fd_r, LOCK_EX | LOCK_NB); tries++) {
        if (errno != EWOULDBLOCK || tries == PATIENCE)
            return domm_fail_errno(err, DOMM_FAILED, errno,
                                   "another domm is changing records: locking %s/" RECORDS_LOCK,
                                   domm_run_directory);
        domm_rest_ms(100);
    }
    return rc;
}

int domm_guest_locks_open(int *fd_r, struct domm_error *err)
{
    return open_lock(GUESTS_LOCK, fd_r, err);
}

int domm_holds_open(int *fd_r, struct domm_error *err)
{
    return open_lock(HOLDS_LOCK, fd_r, err);
}

static struct flock byte(uint64_t at, short type)
{
    return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)at, .l_len = 1};
}

static bool set(int fd, uint64_t at, short type)
{
    struct flock lock = byte(at, type);
    return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

/* 54 bits of a UUID tell guests apart well enough, and fit an offset. */
static uint64_t place(enum domm_guest_lock kind, const struct domm_uuid *uuid)
{
    uint64_t number = 0;
    for (size_t i = 0; i < 7; i++)
        number = number << 8 | uuid->bytes[sizeof(uuid->bytes) - 1 - i];
    number = (number ^ number >> 54) & ((UINT64_C(1) << 54) - 1);
    return 2 * number + kind;
}

bool domm_guest_lock(int fd, enum domm_guest_lock kind, const struct domm_uuid *uuid)
{
    return set(fd, place(kind, uuid), F_WRLCK);
}

void domm_guest_unlock(int fd, enum domm_guest_lock kind, const struct domm_uuid *uuid)
{
    (void)set(fd, place(kind, uuid), F_UNLCK);
}

bool domm_hold_lock(int fd, uint32_t domid)
{
    return set(fd, domid, F_WRLCK);
}

void domm_hold_unlock(int fd, uint32_t domid)
{
    (void)set(fd, domid, F_UNLCK);
}

bool domm_guest_is_moving(const struct domm_uuid *uuid)
{
    struct flock lock = byte(place(DOMM_LOCK_MOVE, uuid), F_WRLCK);
    cleanup_fd int fd = open_file(GUESTS_LOCK, O_RDWR);
    return fd >= 0 && fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}
