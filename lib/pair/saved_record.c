/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/pair/saved_record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/pair/record.h"

#define PATH_BYTES 256

static void saved_record_path_of(const char *directory, const struct domm_uuid *uuid,
                                 char path_r[PATH_BYTES])
{
    char text[DOMM_UUID_TEXT];
    domm_uuid_format(uuid, text);
    snprintf(path_r, PATH_BYTES, "%s/%s", directory, text);
}

/* Makes the directory and its parent. */
static int make_directory(const char *directory, struct domm_error *err)
{
    char parent[PATH_BYTES];
    snprintf(parent, sizeof(parent), "%s", directory);
    char *end = strrchr(parent, '/');
    if (end && end != parent) {
        *end = '\0';
        mkdir(parent, 0755);
    }
    return domm_make_directory(directory, 0700, err);
}

int domm_saved_record_write(const char *directory, const struct domm_uuid *uuid, const char *record,
                            struct domm_error *err)
{
    char path[PATH_BYTES];
    int rc = make_directory(directory, err);
    if (rc)
        return rc;
    saved_record_path_of(directory, uuid, path);
    return domm_file_replace(path, record, strlen(record), err);
}

int domm_saved_record_read(const char *directory, const struct domm_uuid *uuid, char **record_r,
                           struct domm_error *err)
{
    char path[PATH_BYTES];
    *record_r = NULL;
    saved_record_path_of(directory, uuid, path);
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

int domm_saved_record_remove(const char *directory, const struct domm_uuid *uuid,
                             struct domm_error *err)
{
    char path[PATH_BYTES];
    saved_record_path_of(directory, uuid, path);
    if (unlink(path) && errno != ENOENT)
        return domm_fail_errno(err, DOMM_FAILED, errno, "removing %s", path);
    return 0;
}
