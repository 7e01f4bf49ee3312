/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/paths.h"

/* Returns -1 and sets errno if it cannot be opened. */
static int open_lock_file(const char *name, int flags)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", domm_run_directory, name);
    return open(path, flags | O_CLOEXEC, 0600);
}

int domm_lock_file_open(const char *name, int *fd_r, struct domm_error *err)
{
    *fd_r = -1;
    int rc = domm_make_directory(domm_run_directory, 0755, err);
    if (rc)
        return rc;
    *fd_r = open_lock_file(name, O_RDWR | O_CREAT);
    if (*fd_r < 0)
        return domm_fail_errno(err, DOMM_FAILED, errno, "opening %s/%s", domm_run_directory, name);
    return 0;
}

bool domm_lock_file(int fd)
{
    return flock(fd, LOCK_EX | LOCK_NB) == 0;
}

bool domm_lock_file_is_locked(const char *name)
{
    cleanup_fd int fd = open_lock_file(name, O_RDONLY);
    return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

static struct flock byte_lock(uint64_t at, short type)
{
    return (struct flock){.l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)at, .l_len = 1};
}

bool domm_lock_byte(int fd, uint64_t at)
{
    struct flock lock = byte_lock(at, F_WRLCK);
    return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

void domm_unlock_byte(int fd, uint64_t at)
{
    struct flock lock = byte_lock(at, F_UNLCK);
    (void)fcntl(fd, F_OFD_SETLK, &lock);
}

bool domm_lock_byte_is_locked(const char *name, uint64_t at)
{
    struct flock lock = byte_lock(at, F_WRLCK);
    cleanup_fd int fd = open_lock_file(name, O_RDWR);
    return fd >= 0 && fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}
