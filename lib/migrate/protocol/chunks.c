/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/migrate/protocol/chunks.h"

#include <openssl/evp.h>
#include <string.h>

#define SMALLEST 4096

static int chunks_reserve(struct domm_chunks *chunks, size_t size, struct domm_error *err)
{
    size_t capacity = chunks->capacity ? chunks->capacity : SMALLEST;
    while (capacity < size)
        capacity *= 2;
    if (capacity == chunks->capacity)
        return 0;
    unsigned char *bytes = realloc(chunks->bytes, capacity);
    if (!bytes)
        return domm_no_memory(err);
    chunks->bytes = bytes;
    chunks->capacity = capacity;
    return 0;
}

int domm_chunks_add(struct domm_chunks *chunks, const struct domm_message_chunk *piece,
                    size_t limit, struct domm_error *err)
{
    if (piece->offset != chunks->size)
        return domm_fail(err, DOMM_REFUSED, "received a chunk for byte %u, expected byte %zu",
                         piece->offset, chunks->size);
    if (piece->size > limit - chunks->size)
        return domm_fail(err, DOMM_REFUSED, "received more than %zu bytes", limit);
    int rc = chunks_reserve(chunks, chunks->size + piece->size, err);
    if (rc)
        return rc;
    memcpy(chunks->bytes + chunks->size, piece->bytes, piece->size);
    chunks->size += piece->size;
    return 0;
}

int domm_chunks_seal(const struct domm_chunks *chunks, struct domm_message_state_end *end_r,
                     struct domm_error *err)
{
    *end_r = (struct domm_message_state_end){.size = (uint32_t)chunks->size};
    if (chunks->size > DOMM_WIRE_MAX_STATE)
        return domm_fail(err, DOMM_FAILED, "the mapping state is too long: %zu bytes",
                         chunks->size);
    size_t length = sizeof(end_r->digest);
    if (EVP_Q_digest(NULL, "SHA256", NULL, chunks->size ? (const void *)chunks->bytes : "",
                     chunks->size, end_r->digest, &length) != 1)
        return domm_fail(err, DOMM_FAILED, "computing a SHA-256");
    return 0;
}

int domm_chunks_verify(const struct domm_chunks *chunks, const struct domm_message_state_end *end,
                       struct domm_error *err)
{
    struct domm_message_state_end ours;
    int rc = domm_chunks_seal(chunks, &ours, err);
    if (rc)
        return rc;
    if (ours.size != end->size)
        return domm_fail(err, DOMM_REFUSED, "received %u bytes of mapping state, expected %u",
                         ours.size, end->size);
    if (memcmp(ours.digest, end->digest, sizeof(ours.digest)) != 0)
        return domm_fail(err, DOMM_REFUSED, "the SHA-256 of the mapping state does not match");
    return 0;
}
