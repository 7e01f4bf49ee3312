/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sources of physical memory. */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/vmi/domm-guest.h"

static int read_file(const void *context, uint64_t address, void *buffer, size_t size)
{
    const int *fd = context;
    size_t done = 0;
    while (done < size) {
        ssize_t got = pread(*fd, (char *)buffer + done, size - done, (off_t)(address + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return got ? -errno : -EIO;
        done += (size_t)got;
    }
    return 0;
}

int domm_physical_file(const int *fd, struct domm_physical *physical_r)
{
    struct stat stat;
    if (fstat(*fd, &stat))
        return -errno;
    *physical_r = (struct domm_physical){
        .read = read_file,
        .context = fd,
        .frames = (uint64_t)stat.st_size / DOMM_VMI_PAGE,
    };
    return 0;
}
