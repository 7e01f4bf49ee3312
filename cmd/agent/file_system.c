/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/agent/file_system.h"

#include <blkid/blkid.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/confine.h"
#include "lib/base/process.h"

#define CHILD_DESCRIPTORS 16
#define CHILD_CPU_S 5 /* far more than libblkid needs for a superblock */

/* The exit status of the child. */
enum found {
    FOUND_EXT = 1,
    FOUND_XFS,
    FOUND_NEITHER,
    UNREADABLE,
    NOT_CONFINED,
};

/* libblkid must look for these types only, and parse nothing else that the target has written. */
static enum found probe_type(blkid_probe probe)
{
    static char xfs[] = "xfs", ext4[] = "ext4", ext3[] = "ext3", ext2[] = "ext2";
    char *names[] = {xfs, ext4, ext3, ext2, NULL};
    const char *type;
    if (blkid_probe_filter_superblocks_type(probe, BLKID_FLTR_ONLYIN, names))
        return UNREADABLE;
    int rc = blkid_do_safeprobe(probe);
    if (rc == -1)
        return UNREADABLE;
    if (rc || blkid_probe_lookup_value(probe, "TYPE", &type, NULL))
        return FOUND_NEITHER;
    return strcmp(type, "xfs") == 0 ? FOUND_XFS : FOUND_EXT;
}

static enum found probe_confined(int disk)
{
    const struct rlimit cpu = {CHILD_CPU_S, CHILD_CPU_S};
    struct domm_error ignored;
    if (setrlimit(RLIMIT_CPU, &cpu) || domm_confine_with(disk, CHILD_DESCRIPTORS, false, &ignored))
        return NOT_CONFINED;
    blkid_probe probe = blkid_new_probe();
    return probe && blkid_probe_set_device(probe, DOMM_CONFINED_FD, 0, 0) == 0 ? probe_type(probe)
                                                                               : UNREADABLE;
}

int find_file_system(const char *device, bool *xfs_r, struct domm_error *err)
{
    *xfs_r = false;
    cleanup_fd int disk = open(device, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (disk < 0)
        return domm_fail_errno(err, DOMM_FAILED, errno, "opening %s", device);
    pid_t pid = fork();
    if (pid == 0)
        _exit(probe_confined(disk));
    if (pid < 0)
        return domm_fail_errno(err, DOMM_FAILED, errno, "starting a process that reads %s", device);
    int status = domm_process_await(pid);
    switch (WIFEXITED(status) ? (enum found)WEXITSTATUS(status) : UNREADABLE) {
    case FOUND_XFS:
        *xfs_r = true;
        return 0;
    case FOUND_EXT:
        return 0;
    case FOUND_NEITHER:
        return domm_fail(err, DOMM_FAILED, "%s has neither an ext4 nor an XFS file system", device);
    case NOT_CONFINED:
        return domm_fail(err, DOMM_FAILED, "the process that would read %s keeps its privileges",
                         device);
    default:
        return domm_fail(err, DOMM_FAILED, "%s cannot be read", device);
    }
}
