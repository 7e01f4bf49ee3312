/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Mounting a storage read-only, and looking at it. All of this may wait for a server or a disk that
 * does not answer: it is for threads of its own (worker.h), never for the agent's loop.
 */
#ifndef DOMM_GUEST_MOUNTER_H
#define DOMM_GUEST_MOUNTER_H

#include <stddef.h>

#include "lib/base/error.h"
#include "lib/pair/record.h"

#define MOUNT_OPTIONS 192 /* bytes, with the terminator */

/* What mount(8) is told for NFS of that version. */
void mount_nfs_options(const struct domm_storage *storage, int version,
                       char options_r[MOUNT_OPTIONS]);

/* Mounts it at the directory, which is made. Ends within about 100 s. */
int mount_storage(const struct domm_storage *storage, const char *path, struct domm_error *err);

/* Takes away what is mounted at the directory, and the directory. Programs that have files open
 * there keep them. */
void unmount_storage(const char *path);

/* Drops what the kernel remembers of a disk that another guest writes to; NFS limits by itself how
 * long it remembers. */
int refresh_storage(const struct domm_storage *storage, struct domm_error *err);

/* A read that the server or the disk itself has to answer. DOMM_NOT_FOUND if it has to be mounted
 * anew. */
int probe_storage(const struct domm_storage *storage, const char *path, struct domm_error *err);

#endif
