/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The record of a domM that is being saved. It is libxl's userdata and ends with the domain, and
 * the image that `xl save` writes has no place for it. So it is kept in a file for the domM that is
 * restored from the image, the one with the same UUID: the record of its last save.
 */
#ifndef DOMM_PAIR_KEPT_H
#define DOMM_PAIR_KEPT_H

#include <stddef.h>

#include "lib/base/error.h"
#include "lib/base/uuid.h"

#define DOMM_KEPT_DIRECTORY "/var/lib/domm/saved"

/* Replaces what is kept for that domM; the directory is made, and its
 * parent. */
int domm_kept_write(const char *directory, const struct domm_uuid *uuid, const char *record,
                    struct domm_error *err);

/* *record_r is the caller's to free; null if none is kept. */
int domm_kept_read(const char *directory, const struct domm_uuid *uuid, char **record_r,
                   struct domm_error *err);

/* That there is none is fine. */
int domm_kept_remove(const char *directory, const struct domm_uuid *uuid, struct domm_error *err);

#endif
