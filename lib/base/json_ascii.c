/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/json.h"

#define NOT_A_CHARACTER 0xfffd /* what Unicode has for what cannot be decoded */

/* Decodes one sequence of UTF-8 (RFC 3629). Returns its length; 1 if it is none. */
static size_t decode_utf8(const unsigned char *bytes, uint32_t *character_r)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = bytes[0] < 0xc0 ? 0 : bytes[0] < 0xe0 ? 2 : bytes[0] < 0xf0 ? 3 : 4;
    uint32_t character = bytes[0] & (0x7fU >> length);
    *character_r = NOT_A_CHARACTER;
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return 1;
        character = character << 6 | (bytes[i] & 0x3fU);
    }
    if (!length || bytes[0] >= 0xf8 || character < least[length] || character > 0x10ffff ||
        (character >= 0xd800 && character <= 0xdfff))
        return 1;
    *character_r = character;
    return length;
}

static int write_escaped(char *text, uint32_t character)
{
    if (character < 0x10000)
        return sprintf(text, "\\u%04" PRIx32, character);
    character -= 0x10000;
    return sprintf(text, "\\u%04" PRIx32 "\\u%04" PRIx32, 0xd800 + (character >> 10),
                   0xdc00 + (character & 0x3ff));
}

/* Outside its strings JSON is ASCII without control characters but white space, which is left. */
char *domm_json_format(struct json_object *root, int flags)
{
    const char *json = json_object_to_json_string_ext(root, flags);
    char *text = json ? malloc(6 * strlen(json) + 1) : NULL;
    if (!text)
        return NULL;
    char *end = text;
    for (const unsigned char *c = (const unsigned char *)json; *c;) {
        uint32_t character = *c;
        size_t length = *c <= 0x7f ? 1 : decode_utf8(c, &character);
        if (character < 0x7f)
            *end++ = (char)character;
        else
            end += write_escaped(end, character);
        c += length;
    }
    *end = '\0';
    return text;
}
