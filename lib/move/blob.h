/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What arrives in pieces: a guest's configuration, the mapping state. */
#ifndef DOMM_MOVE_BLOB_H
#define DOMM_MOVE_BLOB_H

#include <stddef.h>

#include "lib/base/cleanup.h"
#include "lib/base/error.h"
#include "lib/move/wire.h"

struct domm_blob { /* begins zeroed */
    unsigned char *bytes;
    size_t size, capacity;
};

static inline void domm_blob_free(struct domm_blob *blob)
{
    free(blob->bytes);
}

#define cleanup_blob DOMM_CLEANUP(domm_blob_free)

/* Appends a decoded piece. DOMM_REFUSED if it does not follow on what is there, or would make it
 * longer than limit. Memory grows with what has come, not with what is announced. */
int domm_blob_add(struct domm_blob *blob, const struct domm_wire_chunk *piece, size_t limit,
                  struct domm_error *err);

/* The last word on the mapping state: how long it is, and its SHA-256. */
int domm_blob_seal(const struct domm_blob *blob, struct domm_wire_end *end_r,
                   struct domm_error *err);

/* DOMM_REFUSED if what came is not what was sealed. */
int domm_blob_verify(const struct domm_blob *blob, const struct domm_wire_end *end,
                     struct domm_error *err);

#endif
