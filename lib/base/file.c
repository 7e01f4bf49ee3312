/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

int domm_make_directory(const char *path, mode_t mode, struct domm_error *err)
{
    if (mkdir(path, mode) && errno != EEXIST)
        return domm_fail_errno(err, DOMM_FAILED, errno, "making %s", path);
    return 0;
}

int domm_write_all(int fd, const void *bytes, size_t size)
{
    const char *rest = bytes;
    while (size) {
        ssize_t n = write(fd, rest, size);
        if (n < 0 && errno != EINTR)
            return errno;
        rest += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* Makes a file of a name that nobody can foresee, in place of the X at the end of the path: none is
 * opened that another has put there. 0, or an errno value. */
static int write_new(char *path, const void *bytes, size_t size, bool sync)
{
    int fd = mkostemp(path, O_CLOEXEC);
    if (fd < 0)
        return errno;
    int reason = domm_write_all(fd, bytes, size);
    if (!reason && sync && fsync(fd))
        reason = errno;
    close(fd);
    if (reason)
        unlink(path);
    return reason;
}

/* Syncs the directory, which makes the file's name durable. 0, or an errno value. */
static int sync_directory_of(const char *path)
{
    char directory[PATH_MAX];
    snprintf(directory, sizeof(directory), "%s", path);
    char *slash = strrchr(directory, '/');
    if (slash)
        *slash = '\0';
    cleanup_fd int fd = open(slash ? directory : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 || fsync(fd) ? errno : 0;
}

int domm_sync_parent(const char *path, struct domm_error *err)
{
    int reason = sync_directory_of(path);
    return reason ? domm_fail_errno(err, DOMM_FAILED, reason, "writing the directory of %s", path)
                  : 0;
}

static int replace(const char *path, const void *bytes, size_t size, bool sync,
                   struct domm_error *err)
{
    char part[PATH_MAX];
    if ((size_t)snprintf(part, sizeof(part), "%s.XXXXXX", path) >= sizeof(part))
        return domm_fail_errno(err, DOMM_FAILED, ENAMETOOLONG, "writing %s", path);
    int reason = write_new(part, bytes, size, sync);
    if (!reason && rename(part, path)) {
        reason = errno;
        unlink(part);
    }
    if (!reason && sync)
        reason = sync_directory_of(path);
    return reason ? domm_fail_errno(err, DOMM_FAILED, reason, "writing %s", path) : 0;
}

int domm_file_replace(const char *path, const void *bytes, size_t size, struct domm_error *err)
{
    return replace(path, bytes, size, true, err);
}

int domm_file_replace_unsynced(const char *path, const void *bytes, size_t size,
                               struct domm_error *err)
{
    return replace(path, bytes, size, false, err);
}

/* 0, or an errno value. */
static int write_readable(int fd, const void *bytes, size_t size)
{
    int reason = domm_write_all(fd, bytes, size);
    return reason ? reason : fchmod(fd, 0644) ? errno : 0;
}

int domm_file_publish(const char *path, const void *bytes, size_t size, struct domm_error *err)
{
    char part[PATH_MAX];
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    if ((size_t)snprintf(part, sizeof(part), "%.*s.%s.XXXXXX", (int)(name - path), path, name) >=
        sizeof(part))
        return domm_fail_errno(err, DOMM_FAILED, ENAMETOOLONG, "writing %s", path);
    cleanup_fd int fd = mkostemp(part, O_CLOEXEC);
    if (fd < 0)
        return domm_fail_errno(err, DOMM_FAILED, errno, "writing %s", path);
    int reason = write_readable(fd, bytes, size);
    if (!reason && rename(part, path))
        reason = errno;
    if (!reason)
        return 0;
    unlink(part);
    return domm_fail_errno(err, DOMM_FAILED, reason, "writing %s", path);
}
