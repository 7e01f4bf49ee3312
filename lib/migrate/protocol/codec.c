/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/migrate/protocol/codec.h"

#include <string.h>

#include "lib/base/text.h"

void domm_codec_must(struct domm_codec *c, bool holds, const char *wrong)
{
    if (!holds && !c->wrong)
        c->wrong = wrong;
}

/* Takes bytes of the buffer; false if there are too few. */
static bool codec_take(struct domm_codec *c, size_t size)
{
    domm_codec_must(c, size <= c->left, "it is too short");
    if (c->wrong)
        return false;
    c->left -= size;
    return true;
}

uint64_t domm_codec_number(struct domm_codec *c, size_t size, uint64_t value)
{
    if (!codec_take(c, size))
        return 0;
    if (!c->decoding) {
        for (size_t i = 0; i < size; i++)
            *c->write++ = (unsigned char)(value >> 8 * (size - 1 - i));
        return value;
    }
    value = 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | *c->read++;
    return value;
}

void domm_codec_u16(struct domm_codec *c, uint16_t *value)
{
    *value = (uint16_t)domm_codec_number(c, 2, *value);
}

void domm_codec_u32(struct domm_codec *c, uint32_t *value)
{
    *value = (uint32_t)domm_codec_number(c, 4, *value);
}

void domm_codec_u64(struct domm_codec *c, uint64_t *value)
{
    *value = domm_codec_number(c, 8, *value);
}

void domm_codec_bool(struct domm_codec *c, bool *value)
{
    uint64_t byte = domm_codec_number(c, 1, *value);
    domm_codec_must(c, byte <= 1, "a boolean is neither 0 nor 1");
    *value = byte == 1;
}

unsigned int domm_codec_choice(struct domm_codec *c, unsigned int value, unsigned int count)
{
    uint64_t byte = domm_codec_number(c, 1, value);
    domm_codec_must(c, value < 256 && byte < count, "an enumeration's value is unknown");
    return (unsigned int)byte;
}

void domm_codec_raw(struct domm_codec *c, unsigned char *bytes, size_t size)
{
    if (!codec_take(c, size))
        return;
    if (c->decoding) {
        memcpy(bytes, c->read, size);
        c->read += size;
    } else {
        memcpy(c->write, bytes, size);
        c->write += size;
    }
}

void domm_codec_text(struct domm_codec *c, char *string, size_t size)
{
    size_t length = c->decoding ? 0 : strnlen(string, size);
    length = domm_codec_number(c, 2, length);
    domm_codec_must(c, length < size, "a text is too long");
    if (c->wrong)
        return;
    domm_codec_raw(c, (unsigned char *)string, length);
    if (!c->decoding || c->wrong)
        return;
    string[length] = '\0';
    domm_codec_must(c, strlen(string) == length, "a text contains a NUL");
    domm_replace_controls(string);
}

void domm_codec_borrow(struct domm_codec *c, const unsigned char **bytes, size_t size)
{
    if (!codec_take(c, size))
        return;
    if (c->decoding) {
        *bytes = c->read;
        c->read += size;
    } else {
        memcpy(c->write, *bytes, size);
        c->write += size;
    }
}
