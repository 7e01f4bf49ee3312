/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/base/uuid.h"

#include <stddef.h>
#include <string.h>

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* A hyphen stands before bytes 4, 6, 8 and 10. */
static bool hyphen_before(size_t byte)
{
    return byte >= 4 && byte <= 10 && byte % 2 == 0;
}

bool domm_uuid_parse(const char *text, struct domm_uuid *uuid_r)
{
    if (strlen(text) != DOMM_UUID_TEXT - 1)
        return false;
    for (size_t i = 0; i < sizeof(uuid_r->bytes); i++) {
        if (hyphen_before(i) && *text++ != '-')
            return false;
        int high = hex_digit(text[0]);
        int low = hex_digit(text[1]);
        if (high < 0 || low < 0)
            return false;
        uuid_r->bytes[i] = (unsigned char)(high << 4 | low);
        text += 2;
    }
    return true;
}

void domm_uuid_format(const struct domm_uuid *uuid, char text_r[DOMM_UUID_TEXT])
{
    static const char digits[] = "0123456789abcdef";
    char *out = text_r;
    for (size_t i = 0; i < sizeof(uuid->bytes); i++) {
        if (hyphen_before(i))
            *out++ = '-';
        *out++ = digits[uuid->bytes[i] >> 4];
        *out++ = digits[uuid->bytes[i] & 0xf];
    }
    *out = '\0';
}

bool domm_uuid_equal(const struct domm_uuid *a, const struct domm_uuid *b)
{
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

bool domm_uuid_is_nil(const struct domm_uuid *uuid)
{
    static const struct domm_uuid nil;
    return domm_uuid_equal(uuid, &nil);
}
