/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Encodes or decodes the fields of a message in a buffer: one sequence of calls describes a message
 * for both directions. After the first error nothing more is read or written, and decoded values
 * are undefined.
 */
#ifndef DOMM_MIGRATE_PROTOCOL_CODEC_H
#define DOMM_MIGRATE_PROTOCOL_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct domm_codec {
    bool decoding;
    unsigned char *write;      /* encoding: the next byte */
    const unsigned char *read; /* decoding: the next byte */
    size_t left;
    const char *wrong; /* the first error; null if there is none */
};

/* Records `wrong` if the condition does not hold. */
void domm_codec_must(struct domm_codec *c, bool holds, const char *wrong);

/* An unsigned number of that many bytes, big-endian; returns it. */
uint64_t domm_codec_number(struct domm_codec *c, size_t size, uint64_t value);
void domm_codec_u16(struct domm_codec *c, uint16_t *value);
void domm_codec_u32(struct domm_codec *c, uint32_t *value);
void domm_codec_u64(struct domm_codec *c, uint64_t *value);
void domm_codec_bool(struct domm_codec *c, bool *value);

/* One byte: an enumeration's value, below its count. Returns it. */
unsigned int domm_codec_choice(struct domm_codec *c, unsigned int value, unsigned int count);

/* Bytes that are copied. */
void domm_codec_raw(struct domm_codec *c, unsigned char *bytes, size_t size);

/* Bytes that are not copied: decoded, *bytes points into the buffer. */
void domm_codec_borrow(struct domm_codec *c, const unsigned char **bytes, size_t size);

/* Decoded texts are terminated within size, and printable. */
void domm_codec_text(struct domm_codec *c, char *text, size_t size);

#endif
