/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Walks a buffer, writing fields or reading them: a message is described once, by the order of
 * these calls, and that serves both directions. Once something is wrong, nothing more is read or
 * written, and what a call would have read is undefined.
 */
#ifndef DOMM_MOVE_CODEC_H
#define DOMM_MOVE_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct domm_codec {
    bool decoding;
    unsigned char *write;      /* encoding: the next byte */
    const unsigned char *read; /* decoding: the next byte */
    size_t left;
    const char *wrong; /* the first thing that is; null if all is well */
};

void domm_codec_must(struct domm_codec *c, bool holds, const char *wrong);

/* An unsigned number of so many bytes, big-endian; returns it. */
uint64_t domm_codec_number(struct domm_codec *c, size_t size, uint64_t value);
void domm_codec_u16(struct domm_codec *c, uint16_t *value);
void domm_codec_u32(struct domm_codec *c, uint32_t *value);
void domm_codec_u64(struct domm_codec *c, uint64_t *value);
void domm_codec_bool(struct domm_codec *c, bool *value);

/* One byte: an enumeration's value, below its count. Returns it. */
unsigned int domm_codec_choice(struct domm_codec *c, unsigned int value, unsigned int count);

void domm_codec_raw(struct domm_codec *c, unsigned char *bytes, size_t size);

/* Bytes that stay where they are: decoded, *bytes points into the buffer. */
void domm_codec_borrow(struct domm_codec *c, const unsigned char **bytes, size_t size);

/* Decoded texts are terminated within size, and printable. */
void domm_codec_text(struct domm_codec *c, char *text, size_t size);

#endif
