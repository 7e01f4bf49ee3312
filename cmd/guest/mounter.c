/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/guest/mounter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "cmd/guest/run.h"
#include "lib/base/cleanup.h"

#define MOUNT "/bin/mount"
#define MOUNT_TIMEOUT_S 45 /* for one try; a small domM that boots is slow */

#define COMMON "ro,nosuid,nodev,noexec"

/* Where a file system says what it is, all within the first block. */
#define BLOCK 4096
#define EXT4_MAGIC_AT 1080

/*
 * Attributes, and so data, are believed for max_age at most. soft: a server that does not answer is
 * an error to who reads, after timeo * (retrans + 1) = 15 s, and no process that cannot be killed.
 * nosharecache: what the target's storage is mounted with holds, whatever else is mounted from
 * there.
 */
void mount_nfs_options(const struct domm_storage *storage, int version,
                       char options_r[MOUNT_OPTIONS])
{
    snprintf(options_r, MOUNT_OPTIONS,
             COMMON ",vers=%d,proto=tcp,soft,timeo=50,retrans=2,retry=0,actimeo=%u,lookupcache=pos,"
                    "nosharecache%s",
             version, storage->max_age, version == 3 ? ",nolock" : "");
}

static void detach(const char *path)
{
    while (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
        ;
}

/* One that fails may have mounted all the same: it was killed late, or failed after that. */
static int run_mount(const char *type, const char *options, const char *source, const char *path,
                     struct domm_error *err)
{
    const char *const arguments[] = {MOUNT, "-t", type, "-o", options, "--", source, path, NULL};
    int rc = run_program(arguments, MOUNT_TIMEOUT_S, err);
    if (rc)
        detach(path);
    return rc;
}

/* Version 3 first: it has no state that a client which stands still, as one that migrates, could
 * keep the server and with it the target waiting for. A server that is silent has not refused it.
 */
static int mount_nfs(const struct domm_storage *storage, const char *path, struct domm_error *err)
{
    static const int versions[] = {3, 4};
    char options[MOUNT_OPTIONS];
    int rc = 0;
    for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
        mount_nfs_options(storage, versions[i], options);
        rc = run_mount("nfs", options, storage->source, path, err);
        if (!rc || rc == -DOMM_ABORTED)
            break;
    }
    return rc;
}

static void device_of(const struct domm_storage *storage, char path_r[32])
{
    snprintf(path_r, 32, "/dev/%.24s", storage->source);
}

/* O_DIRECT: what is read comes from the disk. */
static int open_disk(const struct domm_storage *storage, struct domm_error *err)
{
    char path[32];
    struct stat stat;
    device_of(storage, path);
    int fd = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
    if (fd < 0)
        return domm_fail_errno(err, DOMM_FAILED, errno, "opening %s", path);
    if (fstat(fd, &stat) || !S_ISBLK(stat.st_mode)) {
        close(fd);
        return domm_fail(err, DOMM_FAILED, "%s is no block device", path);
    }
    return fd;
}

static int read_block(int fd, unsigned char block_r[BLOCK], struct domm_error *err)
{
    cleanup_free void *buffer = NULL;
    if (posix_memalign(&buffer, BLOCK, BLOCK))
        return domm_no_memory(err);
    if (pread(fd, buffer, BLOCK, 0) != BLOCK)
        return domm_fail_errno(err, DOMM_FAILED, errno, "reading the disk");
    memcpy(block_r, buffer, BLOCK);
    return 0;
}

/* The target owns this file system and goes on writing to it. So its journal is never replayed, its
 * UUID may be there twice, and an inconsistency that it has or shows is no reason to panic here,
 * whatever its own superblock asks for. */
static int mount_block(const struct domm_storage *storage, const char *path, struct domm_error *err)
{
    char device[32];
    unsigned char block[BLOCK];
    int on = 1;
    cleanup_fd int fd = open_disk(storage, err);
    if (fd < 0)
        return fd;
    /* ext4 clears the flag "ro" for a while to remove orphans, unless the disk itself is so. */
    if (ioctl(fd, BLKROSET, &on))
        return domm_fail_errno(err, DOMM_FAILED, errno, "making the disk read-only");
    int rc = read_block(fd, block, err);
    if (rc)
        return rc;
    device_of(storage, device);
    if (memcmp(block, "XFSB", 4) == 0)
        return run_mount("xfs", COMMON ",norecovery,nouuid", device, path, err);
    if (memcmp(block + EXT4_MAGIC_AT, "\x53\xef", 2) == 0)
        return run_mount("ext4", COMMON ",noload,errors=continue", device, path, err);
    return domm_fail(err, DOMM_FAILED, "%s holds neither ext4 nor xfs", device);
}

/* The parent, the target's directory, may be on its way out with a storage unmounted just now: then
 * it fails, and the next time does it. */
static int make_directories(const char *path, struct domm_error *err)
{
    cleanup_free char *parent = strdup(path);
    if (!parent)
        return domm_no_memory(err);
    *strrchr(parent, '/') = '\0';
    if ((mkdir(parent, 0755) && errno != EEXIST) || (mkdir(path, 0755) && errno != EEXIST))
        return domm_fail_errno(err, DOMM_FAILED, errno, "making %s", path);
    return 0;
}

int mount_storage(const struct domm_storage *storage, const char *path, struct domm_error *err)
{
    int rc = make_directories(path, err);
    if (rc)
        return rc;
    return storage->kind == DOMM_STORAGE_NFS ? mount_nfs(storage, path, err)
                                             : mount_block(storage, path, err);
}

void unmount_storage(const char *path)
{
    cleanup_free char *parent = strdup(path);
    detach(path);
    rmdir(path);
    if (parent) {
        *strrchr(parent, '/') = '\0';
        rmdir(parent); /* fails while another storage is in it */
    }
}

/*
 * The kernel takes a disk for its own alone: it would believe for ever what it has read once.
 * BLKFLSBUF drops the disk's own cache; inodes, names and files' pages of the file system go by
 * drop_caches only, which is for the whole domM. Mounting it anew would drop them as well, but not
 * while a program has a file open, and others would find an empty directory meanwhile.
 */
int refresh_storage(const struct domm_storage *storage, struct domm_error *err)
{
    if (storage->kind == DOMM_STORAGE_NFS)
        return 0;
    cleanup_fd int disk = open_disk(storage, err);
    if (disk < 0)
        return disk;
    cleanup_fd int caches = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);
    if (ioctl(disk, BLKFLSBUF, 0) || caches < 0 || write(caches, "3", 1) != 1 ||
        ioctl(disk, BLKFLSBUF, 0))
        return domm_fail_errno(err, DOMM_FAILED, errno, "dropping stale caches");
    return 0;
}

static int probe_disk(const struct domm_storage *storage, struct domm_error *err)
{
    unsigned char block[BLOCK];
    cleanup_fd int fd = open_disk(storage, err);
    return fd < 0 ? fd : read_block(fd, block, err);
}

/* On NFS statx with FORCE_SYNC and statvfs each ask the server. */
static int probe_directory(const char *path, struct domm_error *err)
{
    struct statx attributes;
    struct statvfs space;
    cleanup_fd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 ||
        statx(fd, "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &attributes) ||
        fstatvfs(fd, &space))
        return domm_fail_errno(err, errno == ESTALE ? DOMM_NOT_FOUND : DOMM_FAILED, errno,
                               "reading %s", path);
    if (!(attributes.stx_attributes & STATX_ATTR_MOUNT_ROOT))
        return domm_fail(err, DOMM_NOT_FOUND, "nothing is mounted at %s", path);
    return 0;
}

/* A file system that has met an inconsistency may have given up for good, the disk has not. */
int probe_storage(const struct domm_storage *storage, const char *path, struct domm_error *err)
{
    int rc = probe_directory(path, err);
    if (storage->kind == DOMM_STORAGE_NFS)
        return rc;
    if (rc)
        err->code = DOMM_NOT_FOUND;
    return rc ? -DOMM_NOT_FOUND : probe_disk(storage, err);
}
