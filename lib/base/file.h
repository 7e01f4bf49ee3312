/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writing files so that a crash leaves the old content or the new one. */
#ifndef DOMM_BASE_FILE_H
#define DOMM_BASE_FILE_H

#include <stddef.h>
#include <sys/types.h>

#include "lib/base/error.h"

/* Makes the directory unless it exists. */
int domm_make_directory(const char *path, mode_t mode, struct domm_error *err);

/* Syncs the directory and its parent: the names of the directory and of its files are on the disk
 * when the call returns. */
int domm_sync_parent(const char *path, struct domm_error *err);

/* Writes all bytes to the descriptor. 0, or an errno value. */
int domm_write_all(int fd, const void *bytes, size_t size);

/* Replaces the file by one with this content, readable by its owner alone. It is on the disk when
 * the call returns; a file PATH.XXXXXX, of any six letters, is left behind only by a crash. */
int domm_file_replace(const char *path, const void *bytes, size_t size, struct domm_error *err);

/* The same without waiting for the disk: of a process that is killed the content is left, old or
 * new; of a host that goes down, perhaps neither. */
int domm_file_replace_unsynced(const char *path, const void *bytes, size_t size,
                               struct domm_error *err);

/* Replaces the file by one with this content that everybody may read, for a program that reads it
 * at any time and may be another user's. The new file has a name that nobody can guess until it is
 * whole: the directory may be writable for others. Does not wait for the disk. */
int domm_file_publish(const char *path, const void *bytes, size_t size, struct domm_error *err);

#endif
