/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/base/uuid.h"

#include <uuid/uuid.h>

bool domm_uuid_parse(const char *text, struct domm_uuid *uuid_r)
{
    return uuid_parse(text, uuid_r->bytes) == 0;
}

void domm_uuid_format(const struct domm_uuid *uuid, char text_r[DOMM_UUID_TEXT])
{
    uuid_unparse_lower(uuid->bytes, text_r);
}

bool domm_uuid_equal(const struct domm_uuid *a, const struct domm_uuid *b)
{
    return uuid_compare(a->bytes, b->bytes) == 0;
}

bool domm_uuid_is_nil(const struct domm_uuid *uuid)
{
    return uuid_is_null(uuid->bytes);
}
