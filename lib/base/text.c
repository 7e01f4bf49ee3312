/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/base/text.h"

char *domm_make_printable(char *text)
{
    for (char *c = text; *c; c++) {
        if (*c < ' ' || *c > '~') /* char is signed: bytes from 0x80 on are negative */
            *c = '?';
    }
    return text;
}

char *domm_replace_controls(char *text)
{
    for (char *c = text; *c; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
    }
    return text;
}
