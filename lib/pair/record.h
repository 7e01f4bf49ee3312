/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The record: a domM's persistent facts, kept as libxl userdata "domm" with the domM, so that it
 * ends with the domain. A JSON object,
 *
 *     {"version": 1, "targets": ["<uuid>", ...]}
 *
 * in which other members are allowed and ignored. It is read as hostile input: size, depth, types
 * and count are bounded, and what does not fit is refused as a whole.
 */
#ifndef DOMM_PAIR_RECORD_H
#define DOMM_PAIR_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/error.h"
#include "lib/base/uuid.h"

#define DOMM_RECORD_USERDATA "domm"
#define DOMM_RECORD_MAX_TARGETS 32
#define DOMM_RECORD_MAX_BYTES 16384

struct domm_record {
    size_t n_targets; /* may be 0: a domM that is attached to nothing at present */
    struct domm_uuid targets[DOMM_RECORD_MAX_TARGETS];
};

/* data need not end with a NUL. Fails with DOMM_REFUSED, *record_r is then undefined. */
int domm_record_parse(const char *data, size_t size, struct domm_record *record_r,
                      struct domm_error *err);

/* *json_r is the caller's to free. */
int domm_record_format(const struct domm_record *record, char **json_r, struct domm_error *err);

bool domm_record_names(const struct domm_record *record, const struct domm_uuid *uuid);

#endif
