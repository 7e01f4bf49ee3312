/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is given by hand about a kernel that does not publish it. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/kernel-check/check.h"
#include "lib/base/cleanup.h"

#define MAX_SYMBOLS_BYTES (32u << 20)

/* Reads up to `room` bytes: how many there are, or a negative errno value. */
static ssize_t read_whole(int fd, char *bytes, size_t room)
{
    size_t size = 0;
    ssize_t got = 1;
    while (got && size < room) {
        got = read(fd, bytes + size, room - size);
        if (got < 0 && errno != EINTR)
            return -errno;
        size += got > 0 ? (size_t)got : 0;
    }
    return (ssize_t)size;
}

/* Reads a file of at most max - 1 bytes; zeroes follow them. */
static int read_given(const char *option, const char *path, size_t max, char **bytes_r,
                      size_t *size_r, struct domm_error *err)
{
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return domm_fail_errno(err, errno == ENOENT ? DOMM_NOT_FOUND : DOMM_FAILED, errno,
                               "%s: opening %s", option, path);
    *bytes_r = calloc(1, max);
    if (!*bytes_r)
        return domm_no_memory(err);
    ssize_t size = read_whole(fd, *bytes_r, max);
    if (size < 0)
        return domm_fail_errno(err, DOMM_FAILED, (int)-size, "%s: reading %s", option, path);
    if ((size_t)size == max)
        return domm_fail(err, DOMM_REFUSED, "%s: %s has more than %zu bytes", option, path,
                         max - 1);
    *size_r = (size_t)size;
    return 0;
}

int given_files_read(const char *system_map, const char *vmcoreinfo, struct given_files *files_r,
                     struct domm_error *err)
{
    size_t size;
    int rc = 0;
    *files_r = (struct given_files){.vmcoreinfo = NULL};
    if (system_map)
        rc = read_given("--system-map", system_map, MAX_SYMBOLS_BYTES, &files_r->symbols,
                        &files_r->given.symbols_size, err);
    if (!rc && vmcoreinfo)
        rc = read_given("--vmcoreinfo", vmcoreinfo, VMCOREINFO_BYTES, &files_r->vmcoreinfo, &size,
                        err);
    files_r->given.symbols = files_r->symbols;
    files_r->given.vmcoreinfo = files_r->vmcoreinfo;
    return rc;
}

void given_files_free(struct given_files *files)
{
    free(files->vmcoreinfo);
    free(files->symbols);
}
