/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Mounts a storage read-only and reads from it. All calls may block on a server or disk that does
 * not answer, so they belong in threads of their own (storage_worker.h) and never in the agent's
 * loop.
 */
#ifndef DOMM_AGENT_MOUNTER_H
#define DOMM_AGENT_MOUNTER_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/error.h"
#include "lib/pair/record.h"

#define MOUNT_OPTIONS 256 /* bytes, with the terminator */

/* The options of mount(8) for that version of NFS, "3" or "4.1", and a server that is reached by
 * IPv6 or IPv4. */
void mount_nfs_options(const struct domm_storage *storage, const char *version, bool ipv6,
                       char options_r[MOUNT_OPTIONS]);

/* Whether the server of SERVER:/PATH has only an IPv6 address that this guest could use. May ask
 * the name server. */
bool mount_nfs_needs_ipv6(const char *source);

/* Mounts the storage at the directory, which it creates. Returns within about 100 s. */
int mount_storage(const struct domm_storage *storage, const char *path, struct domm_error *err);

/* Unmounts the storage and removes the directory. Programs with open files there keep them. */
void unmount_storage(const char *path);

/* Drops the kernel's caches of a disk that another guest writes to. For NFS this does nothing,
 * since its mount options limit the caching. */
int refresh_storage(const struct domm_storage *storage, struct domm_error *err);

/* Reads in a way that the server or disk itself must answer. DOMM_NOT_FOUND if it must be mounted
 * again. */
int probe_storage(const struct domm_storage *storage, const char *path, struct domm_error *err);

/* Whether root may read what only root may read below the directory, as far as a few of its entries
 * tell: a server that takes root for somebody else (root_squash) shows the rest all the same. If
 * not, *entry_r is what could not be opened, the caller's to free. */
bool probe_root_may_read(const char *path, char **entry_r);

#endif
