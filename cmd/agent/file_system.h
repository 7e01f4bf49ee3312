/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the target has written to a disk is parsed by a process that has nothing but that disk. */
#ifndef DOMM_AGENT_FILE_SYSTEM_H
#define DOMM_AGENT_FILE_SYSTEM_H

#include <stdbool.h>

#include "lib/base/error.h"

/* Finds which file system a block device has. *xfs_r is false for ext2 to ext4, which are all
 * mounted as ext4; any other one is DOMM_FAILED. Blocks while the disk does not answer. */
int find_file_system(const char *device, bool *xfs_r, struct domm_error *err);

#endif
