/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Data that arrives in pieces: a guest's configuration, the mapping state. */
#ifndef DOMM_MIGRATE_PROTOCOL_CHUNKS_H
#define DOMM_MIGRATE_PROTOCOL_CHUNKS_H

#include <stddef.h>

#include "lib/base/cleanup.h"
#include "lib/base/error.h"
#include "lib/migrate/protocol/messages.h"

struct domm_chunks { /* begins zeroed */
    unsigned char *bytes;
    size_t size, capacity;
};

static inline void domm_chunks_free(struct domm_chunks *chunks)
{
    free(chunks->bytes);
}

#define cleanup_chunks DOMM_CLEANUP(domm_chunks_free)

/* Appends a decoded piece. DOMM_REFUSED if it does not follow the pieces before it, or exceeds the
 * limit. Memory grows with the bytes received, not with the size announced. */
int domm_chunks_add(struct domm_chunks *chunks, const struct domm_message_chunk *piece,
                    size_t limit, struct domm_error *err);

/* Computes the length and SHA-256 of the mapping state. */
int domm_chunks_seal(const struct domm_chunks *chunks, struct domm_message_state_end *end_r,
                     struct domm_error *err);

/* DOMM_REFUSED if the received mapping state does not match its length and SHA-256. */
int domm_chunks_verify(const struct domm_chunks *chunks, const struct domm_message_state_end *end,
                       struct domm_error *err);

#endif
