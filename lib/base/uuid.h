/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef DOMM_BASE_UUID_H
#define DOMM_BASE_UUID_H

#include <stdbool.h>

#define DOMM_UUID_TEXT 37 /* 8-4-4-4-12 hexadecimal digits and the terminator */

/* Bytes in the order of the text form, as in Xen's domain handle. */
struct domm_uuid {
    unsigned char bytes[16];
};

/* Accepts exactly the 36-character form, in either case. */
bool domm_uuid_parse(const char *text, struct domm_uuid *uuid_r);

/* Writes the lower-case form. */
void domm_uuid_format(const struct domm_uuid *uuid, char text_r[DOMM_UUID_TEXT]);

/* Whether both are the same UUID. */
bool domm_uuid_equal(const struct domm_uuid *a, const struct domm_uuid *b);

/* All zeroes: dom0's UUID, which no guest has. */
bool domm_uuid_is_nil(const struct domm_uuid *uuid);

#endif
