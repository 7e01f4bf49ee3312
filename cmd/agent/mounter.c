/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/agent/mounter.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "cmd/agent/file_system.h"
#include "cmd/shared/run_program.h"
#include "lib/base/cleanup.h"

#define MOUNT "/bin/mount"
#define MOUNT_TIMEOUT_S 45 /* for one attempt; a small monitor that boots is slow */

#define COMMON "ro,nosuid,nodev,noexec"

#define BLOCK 4096 /* bytes; suits O_DIRECT on any disk */

/*
 * actimeo: cached attributes, and therefore data, are valid for at most max_age. soft: if the
 * server does not answer, a read fails after timeo * (retrans + 1) = 15 s, and no process becomes
 * unkillable. nosharecache: these options hold, whatever else is mounted from the server.
 */
void mount_nfs_options(const struct domm_storage *storage, const char *version, bool ipv6,
                       char options_r[MOUNT_OPTIONS])
{
    const struct domm_nfs_options *nfs = &storage->nfs;
    snprintf(options_r, MOUNT_OPTIONS,
             COMMON ",vers=%s,proto=%s,soft,timeo=50,retrans=2,retry=0,actimeo=%u,lookupcache=pos,"
                    "nosharecache%s%s%s",
             version, ipv6 ? "tcp6" : "tcp", storage->max_age,
             strcmp(version, "3") == 0 ? ",nolock" : "", *nfs->sec ? ",sec=" : "", nfs->sec);
    size_t used = strlen(options_r);
    if (nfs->port)
        snprintf(options_r + used, MOUNT_OPTIONS - used, ",port=%u", nfs->port);
}

/* For mount.nfs(8) proto=tcp is IPv4 alone, and proto=tcp6 IPv6. */
bool mount_nfs_needs_ipv6(const char *source)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    struct addrinfo *list;
    bool ipv4 = false;
    cleanup_free char *server = strndup(source, strcspn(source, ":"));
    if (source[0] == '[')
        return true;
    if (!server || getaddrinfo(server, NULL, &hints, &list))
        return false;
    for (const struct addrinfo *one = list; one; one = one->ai_next)
        ipv4 |= one->ai_family == AF_INET;
    freeaddrinfo(list);
    return !ipv4;
}

static void mounter_detach(const char *path)
{
    while (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
        ;
}

/* mount(8) may fail after it has mounted, for example if it was killed late. */
static int run_mount(const char *type, const char *options, const char *source, const char *path,
                     struct domm_error *err)
{
    const char *const arguments[] = {MOUNT, "-t", type, "-o", options, "--", source, path, NULL};
    int rc = run_program(arguments, NULL, MOUNT_TIMEOUT_S, err);
    if (rc)
        mounter_detach(path);
    return rc;
}

/* Version 3 first, since it has no state at the server: with version 4 a stopped client, as during
 * a migration, could make the server and with it the target wait. Version 4 is tried only if the
 * server has refused version 3, not if it was silent. */
static int mount_nfs(const struct domm_storage *storage, const char *path, struct domm_error *err)
{
    const char *const usual[] = {"3", "4", NULL}, *const given[] = {storage->nfs.vers, NULL};
    bool ipv6 = mount_nfs_needs_ipv6(storage->source);
    char options[MOUNT_OPTIONS];
    int rc = -DOMM_FAILED;
    for (const char *const *version = *storage->nfs.vers ? given : usual;
         *version && rc && rc != -DOMM_ABORTED; version++) {
        mount_nfs_options(storage, *version, ipv6, options);
        rc = run_mount("nfs", options, storage->source, path, err);
    }
    return rc;
}

static void device_of(const struct domm_storage *storage, char path_r[32])
{
    snprintf(path_r, 32, "/dev/%.24s", storage->source);
}

/* O_DIRECT: reads come from the disk and not from the cache. */
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
        return domm_fail(err, DOMM_FAILED, "%s is not a block device", path);
    }
    return fd;
}

/* The target owns this file system and keeps writing to it. So its journal is never replayed, its
 * UUID may exist twice, and an inconsistency must not cause a panic here, even if the superblock
 * asks for one. */
static int mount_block(const struct domm_storage *storage, const char *path, struct domm_error *err)
{
    char device[32];
    int on = 1;
    bool xfs;
    cleanup_fd int fd = open_disk(storage, err);
    if (fd < 0)
        return fd;
    /* ext4 clears the flag "ro" temporarily to remove orphans, unless the disk itself is
     * read-only. */
    if (ioctl(fd, BLKROSET, &on))
        return domm_fail_errno(err, DOMM_FAILED, errno, "making %s read-only", storage->source);
    device_of(storage, device);
    int rc = find_file_system(device, &xfs, err);
    if (rc)
        return rc;
    return xfs ? run_mount("xfs", COMMON ",norecovery,nouuid", device, path, err)
               : run_mount("ext4", COMMON ",noload,errors=continue", device, path, err);
}

/* The parent directory may be removed at this moment, with a storage that was just unmounted. This
 * fails then, and the next attempt succeeds. */
static int make_directories(const char *path, struct domm_error *err)
{
    cleanup_free char *parent = strdup(path);
    if (!parent)
        return domm_no_memory(err);
    *strrchr(parent, '/') = '\0';
    if ((mkdir(parent, 0755) && errno != EEXIST) || (mkdir(path, 0755) && errno != EEXIST))
        return domm_fail_errno(err, DOMM_FAILED, errno, "creating %s", path);
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
    mounter_detach(path);
    rmdir(path);
    if (parent) {
        *strrchr(parent, '/') = '\0';
        rmdir(parent); /* fails while it contains another storage */
    }
}

/*
 * The kernel assumes that only it writes to a disk, and would cache old content for ever. BLKFLSBUF
 * drops the cache of the disk; inodes, names and pages of files are dropped only by drop_caches,
 * which affects the whole monitor. A new mount would drop them as well, but not while a program has
 * a file open, and other programs would see an empty directory meanwhile.
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
        return domm_fail_errno(err, DOMM_FAILED, errno, "dropping stale caches of %s",
                               storage->source);
    return 0;
}

/* libblkid reads through the kernel's cache, which does not show whether the disk answers. */
static int probe_disk(const struct domm_storage *storage, struct domm_error *err)
{
    cleanup_free void *block = NULL;
    cleanup_fd int fd = open_disk(storage, err);
    if (fd < 0)
        return fd;
    if (posix_memalign(&block, BLOCK, BLOCK))
        return domm_no_memory(err);
    if (pread(fd, block, BLOCK, 0) != BLOCK)
        return domm_fail_errno(err, DOMM_FAILED, errno, "reading the disk %s", storage->source);
    return 0;
}

/* On NFS, both statx with FORCE_SYNC and statvfs ask the server. */
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

/* Entries that are looked at, in a directory and then in those in it: the file system of a target
 * has some that are root's alone in its root directory or in /etc. */
#define MAX_LOOKED_AT 256

enum evidence { EVIDENCE_NONE, EVIDENCE_MAY_READ, EVIDENCE_MAY_NOT };

/* The mode says who may read it; the server says whether root may. */
static enum evidence try_entry(int directory, const char *name, const struct stat *status)
{
    if (status->st_mode & S_IROTH || !(S_ISREG(status->st_mode) || S_ISDIR(status->st_mode)))
        return EVIDENCE_NONE;
    int fd = openat(directory, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    bool refused = fd < 0 && (errno == EACCES || errno == EPERM);
    if (fd >= 0)
        close(fd);
    return fd >= 0 ? EVIDENCE_MAY_READ : refused ? EVIDENCE_MAY_NOT : EVIDENCE_NONE;
}

static DIR *open_below(int directory, const char *name)
{
    int fd = openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *below = fd < 0 ? NULL : fdopendir(fd);
    if (!below && fd >= 0)
        close(fd);
    return below;
}

/* With deep, also the entries of the directories in it. */
static enum evidence look_at_entries(DIR *directory, bool deep, unsigned *left, char **entry_r)
{
    enum evidence found = EVIDENCE_NONE;
    for (struct dirent *entry; !found && *left && (entry = readdir(directory));) {
        struct stat status;
        if (entry->d_name[0] == '.' || fstatat(dirfd(directory), entry->d_name, &status,
                                               AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT))
            continue;
        --*left;
        found = try_entry(dirfd(directory), entry->d_name, &status);
        if (found == EVIDENCE_MAY_NOT)
            *entry_r = strdup(entry->d_name);
        DIR *below = found || !deep || !S_ISDIR(status.st_mode)
                         ? NULL
                         : open_below(dirfd(directory), entry->d_name);
        if (!below)
            continue;
        found = look_at_entries(below, false, left, entry_r);
        closedir(below);
    }
    return found;
}

bool probe_root_may_read(const char *path, char **entry_r)
{
    unsigned left = MAX_LOOKED_AT, left_below = MAX_LOOKED_AT;
    *entry_r = NULL;
    DIR *directory = opendir(path);
    if (!directory) {
        bool refused = errno == EACCES || errno == EPERM;
        *entry_r = refused ? strdup(".") : NULL;
        return !refused;
    }
    enum evidence found = look_at_entries(directory, false, &left, entry_r);
    rewinddir(directory);
    if (!found)
        found = look_at_entries(directory, true, &left_below, entry_r);
    closedir(directory);
    return found != EVIDENCE_MAY_NOT;
}

/* A file system that has met an inconsistency may have stopped for good, while the disk still
 * works. */
int probe_storage(const struct domm_storage *storage, const char *path, struct domm_error *err)
{
    int rc = probe_directory(path, err);
    if (storage->kind == DOMM_STORAGE_NFS)
        return rc;
    if (rc)
        err->code = DOMM_NOT_FOUND;
    return rc ? -DOMM_NOT_FOUND : probe_disk(storage, err);
}
