/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* json-c with a scope attribute and short adders. */
#ifndef DOMM_BASE_JSON_H
#define DOMM_BASE_JSON_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/base/cleanup.h"

static inline void domm_cleanup_json(struct json_object **object)
{
    json_object_put(*object);
}

#define cleanup_json DOMM_CLEANUP(domm_cleanup_json)

static inline void domm_json_text(struct json_object *object, const char *key, const char *value)
{
    json_object_object_add(object, key, json_object_new_string(value));
}

static inline void domm_json_number(struct json_object *object, const char *key, uint64_t value)
{
    json_object_object_add(object, key, json_object_new_uint64(value));
}

static inline void domm_json_bool(struct json_object *object, const char *key, bool value)
{
    json_object_object_add(object, key, json_object_new_boolean(value));
}

/* The text of a JSON value in ASCII, the caller's to free; null if memory ran out. What a string
 * has besides printable ASCII is escaped, so it reads back as it was, and controls no terminal;
 * bytes that are not UTF-8 read back as U+FFFD. flags are those of json_object_to_json_string_ext.
 */
char *domm_json_format(struct json_object *root, int flags);

#endif
