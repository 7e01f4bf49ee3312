/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/pair/kept.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/cleanup.h"
#include "lib/pair/record.h"

#define PATH_BYTES 256

static void path_of(const char *directory, const struct domm_uuid *uuid, const char *suffix,
                    char path_r[PATH_BYTES])
{
    char text[DOMM_UUID_TEXT];
    domm_uuid_format(uuid, text);
    snprintf(path_r, PATH_BYTES, "%s/%s%s", directory, text, suffix);
}

/* With its parent. */
static int make_directory(const char *directory, struct domm_error *err)
{
    char parent[PATH_BYTES];
    snprintf(parent, sizeof(parent), "%s", directory);
    char *end = strrchr(parent, '/');
    if (end && end != parent) {
        *end = '\0';
        mkdir(parent, 0755);
    }
    if (mkdir(directory, 0700) && errno != EEXIST)
        return domm_fail_errno(err, DOMM_FAILED, errno, "making %s", directory);
    return 0;
}

static int write_file(const char *path, const char *text, struct domm_error *err)
{
    size_t size = strlen(text);
    cleanup_fd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return domm_fail_errno(err, DOMM_FAILED, errno, "opening %s", path);
    errno = ENOSPC; /* of a short write */
    if (write(fd, text, size) != (ssize_t)size || fsync(fd))
        return domm_fail_errno(err, DOMM_FAILED, errno, "writing %s", path);
    return 0;
}

int domm_kept_write(const char *directory, const struct domm_uuid *uuid, const char *record,
                    struct domm_error *err)
{
    char path[PATH_BYTES], part[PATH_BYTES];
    int rc = make_directory(directory, err);
    if (rc)
        return rc;
    path_of(directory, uuid, "", path);
    path_of(directory, uuid, ".part", part);
    rc = write_file(part, record, err);
    if (!rc && rename(part, path))
        rc = domm_fail_errno(err, DOMM_FAILED, errno, "renaming %s", part);
    if (rc)
        unlink(part);
    return rc;
}

int domm_kept_read(const char *directory, const struct domm_uuid *uuid, char **record_r,
                   struct domm_error *err)
{
    char path[PATH_BYTES];
    *record_r = NULL;
    path_of(directory, uuid, "", path);
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return 0;
    cleanup_free char *text = calloc(1, DOMM_RECORD_MAX_BYTES + 1);
    if (!text)
        return domm_no_memory(err);
    if (fd < 0 || read(fd, text, DOMM_RECORD_MAX_BYTES) < 0)
        return domm_fail_errno(err, DOMM_FAILED, errno, "reading %s", path);
    *record_r = text;
    text = NULL;
    return 0;
}

int domm_kept_remove(const char *directory, const struct domm_uuid *uuid, struct domm_error *err)
{
    char path[PATH_BYTES];
    path_of(directory, uuid, "", path);
    if (unlink(path) && errno != ENOENT)
        return domm_fail_errno(err, DOMM_FAILED, errno, "removing %s", path);
    return 0;
}
