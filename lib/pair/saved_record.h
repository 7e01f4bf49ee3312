/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The record of a monitor that is being saved. The record is libxl's userdata, which ends with the
 * domain and is not part of the image that `xl save` writes. It is therefore kept in a file, for
 * the monitor with the same UUID that is restored from the image: the record at its last save.
 */
#ifndef DOMM_PAIR_SAVED_RECORD_H
#define DOMM_PAIR_SAVED_RECORD_H

#include <stddef.h>

#include "lib/base/error.h"
#include "lib/base/uuid.h"

#define DOMM_SAVED_RECORD_DIRECTORY "/var/lib/domm/saved"

/* Replaces the record kept for the monitor; makes the directory and its parent. */
int domm_saved_record_write(const char *directory, const struct domm_uuid *uuid, const char *record,
                            struct domm_error *err);

/* *record_r is the caller's to free; null if none is kept. */
int domm_saved_record_read(const char *directory, const struct domm_uuid *uuid, char **record_r,
                           struct domm_error *err);

/* Removes the record kept for the monitor, if there is one. */
int domm_saved_record_remove(const char *directory, const struct domm_uuid *uuid,
                             struct domm_error *err);

#endif
