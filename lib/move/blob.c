/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/move/blob.h"

#include <openssl/evp.h>
#include <string.h>

#define SMALLEST 4096

static int reserve(struct domm_blob *blob, size_t size, struct domm_error *err)
{
    size_t capacity = blob->capacity ? blob->capacity : SMALLEST;
    while (capacity < size)
        capacity *= 2;
    if (capacity == blob->capacity)
        return 0;
    unsigned char *bytes = realloc(blob->bytes, capacity);
    if (!bytes)
        return domm_no_memory(err);
    blob->bytes = bytes;
    blob->capacity = capacity;
    return 0;
}

int domm_blob_add(struct domm_blob *blob, const struct domm_wire_chunk *piece, size_t limit,
                  struct domm_error *err)
{
    if (piece->offset != blob->size)
        return domm_fail(err, DOMM_REFUSED, "a piece for byte %u came, not for byte %zu",
                         piece->offset, blob->size);
    if (piece->size > limit - blob->size)
        return domm_fail(err, DOMM_REFUSED, "more than %zu bytes came", limit);
    int rc = reserve(blob, blob->size + piece->size, err);
    if (rc)
        return rc;
    memcpy(blob->bytes + blob->size, piece->bytes, piece->size);
    blob->size += piece->size;
    return 0;
}

int domm_blob_seal(const struct domm_blob *blob, struct domm_wire_end *end_r,
                   struct domm_error *err)
{
    *end_r = (struct domm_wire_end){.size = (uint32_t)blob->size};
    if (blob->size > DOMM_WIRE_MAX_STATE)
        return domm_fail(err, DOMM_FAILED, "the mapping state is too long: %zu bytes", blob->size);
    size_t length = sizeof(end_r->digest);
    if (EVP_Q_digest(NULL, "SHA256", NULL, blob->size ? (const void *)blob->bytes : "", blob->size,
                     end_r->digest, &length) != 1)
        return domm_fail(err, DOMM_FAILED, "computing a SHA-256");
    return 0;
}

int domm_blob_verify(const struct domm_blob *blob, const struct domm_wire_end *end,
                     struct domm_error *err)
{
    struct domm_wire_end ours;
    int rc = domm_blob_seal(blob, &ours, err);
    if (rc)
        return rc;
    if (ours.size != end->size)
        return domm_fail(err, DOMM_REFUSED, "%u bytes of mapping state came instead of %u",
                         ours.size, end->size);
    if (memcmp(ours.digest, end->digest, sizeof(ours.digest)) != 0)
        return domm_fail(err, DOMM_REFUSED, "the mapping state came with another SHA-256");
    return 0;
}
