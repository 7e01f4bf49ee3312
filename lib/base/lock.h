/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lock files in the directory domm_run_directory. A lock ends with the process that holds it. A
 * file is either locked as a whole (flock), or byte by byte; the locks of bytes belong to the
 * descriptor they were taken by (fcntl, F_OFD_SETLK), and none of the calls waits.
 */
#ifndef DOMM_BASE_LOCK_H
#define DOMM_BASE_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/error.h"

/* Opens the file; creates it and its directory if needed. *fd_r is the caller's to close. */
int domm_lock_file_open(const char *name, int *fd_r, struct domm_error *err);

/* Locks the whole file. Returns false and sets errno if it is locked (EWOULDBLOCK) or cannot be
 * locked. */
bool domm_lock_file(int fd);

/* Whether another process has the whole file locked. */
bool domm_lock_file_is_locked(const char *name);

/* Locks one byte of the file; false if another descriptor has it. */
bool domm_lock_byte(int fd, uint64_t at);
void domm_unlock_byte(int fd, uint64_t at);

/* Whether any descriptor has that byte of the file locked. */
bool domm_lock_byte_is_locked(const char *name, uint64_t at);

#endif
