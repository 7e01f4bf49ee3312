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

#endif
