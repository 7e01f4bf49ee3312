/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/pair/record.h"

#include <string.h>

#include "lib/base/json.h"

#define RECORD_VERSION 1
#define RECORD_DEPTH 8

bool domm_record_names(const struct domm_record *record, const struct domm_uuid *uuid)
{
    for (size_t i = 0; i < record->n_targets; i++) {
        if (domm_uuid_equal(&record->targets[i], uuid))
            return true;
    }
    return false;
}

static int add_target(struct domm_record *record, struct json_object *item, struct domm_error *err)
{
    struct domm_uuid uuid;
    if (!json_object_is_type(item, json_type_string))
        return domm_fail(err, DOMM_REFUSED, "a target is not a string");
    const char *text = json_object_get_string(item);
    if (strlen(text) != (size_t)json_object_get_string_len(item) || !domm_uuid_parse(text, &uuid))
        return domm_fail(err, DOMM_REFUSED, "target \"%.40s\" is not a UUID", text);
    if (domm_uuid_is_nil(&uuid))
        return domm_fail(err, DOMM_REFUSED, "the nil UUID, dom0's, cannot be a target");
    if (domm_record_names(record, &uuid))
        return domm_fail(err, DOMM_REFUSED, "target %s is named twice", text);
    record->targets[record->n_targets++] = uuid;
    return 0;
}

static int read_targets(struct domm_record *record, struct json_object *root,
                        struct domm_error *err)
{
    struct json_object *targets;
    if (!json_object_object_get_ex(root, "targets", &targets) ||
        !json_object_is_type(targets, json_type_array))
        return domm_fail(err, DOMM_REFUSED, "\"targets\" is not an array");
    size_t count = json_object_array_length(targets);
    if (count > DOMM_RECORD_MAX_TARGETS)
        return domm_fail(err, DOMM_REFUSED, "%zu targets, more than %d", count,
                         DOMM_RECORD_MAX_TARGETS);
    for (size_t i = 0; i < count; i++) {
        int rc = add_target(record, json_object_array_get_idx(targets, i), err);
        if (rc)
            return rc;
    }
    return 0;
}

static int check_version(struct json_object *root, struct domm_error *err)
{
    struct json_object *version;
    if (!json_object_object_get_ex(root, "version", &version) ||
        !json_object_is_type(version, json_type_int))
        return domm_fail(err, DOMM_REFUSED, "\"version\" is not a whole number");
    if (json_object_get_int64(version) != RECORD_VERSION) {
        domm_fail(err, DOMM_REFUSED, "version %s is unknown, this domm knows version %d",
                  json_object_to_json_string(version), RECORD_VERSION);
        return domm_hint(err, "use the domm that wrote it, or a newer one");
    }
    return 0;
}

/* The tokener may stop early, satisfied, so that the rest has to be looked at as well. */
static bool only_space(const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (!strchr(" \t\r\n", data[i]) || data[i] == '\0')
            return false;
    }
    return true;
}

static struct json_object *parse_json(const char *data, size_t size)
{
    struct json_tokener *tokener = json_tokener_new_ex(RECORD_DEPTH);
    if (!tokener)
        return NULL;
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_ALLOW_TRAILING_CHARS);
    struct json_object *root = json_tokener_parse_ex(tokener, data, (int)size);
    size_t end = json_tokener_get_parse_end(tokener);
    json_tokener_free(tokener);
    if (root && !only_space(data + end, size - end)) {
        json_object_put(root);
        root = NULL;
    }
    return root;
}

int domm_record_parse(const char *data, size_t size, struct domm_record *record_r,
                      struct domm_error *err)
{
    if (size > DOMM_RECORD_MAX_BYTES)
        return domm_fail(err, DOMM_REFUSED, "%zu bytes, more than %d", size, DOMM_RECORD_MAX_BYTES);
    cleanup_json struct json_object *root = parse_json(data, size);
    if (!json_object_is_type(root, json_type_object))
        return domm_fail(err, DOMM_REFUSED, "not a JSON object");
    record_r->n_targets = 0;
    int rc = check_version(root, err);
    return rc ? rc : read_targets(record_r, root, err);
}

int domm_record_format(const struct domm_record *record, char **json_r, struct domm_error *err)
{
    cleanup_json struct json_object *root = json_object_new_object();
    struct json_object *targets = json_object_new_array();
    for (size_t i = 0; i < record->n_targets; i++) {
        char text[DOMM_UUID_TEXT];
        domm_uuid_format(&record->targets[i], text);
        json_object_array_add(targets, json_object_new_string(text));
    }
    domm_json_number(root, "version", RECORD_VERSION);
    json_object_object_add(root, "targets", targets);
    *json_r = strdup(json_object_to_json_string_ext(root, JSON_C_TO_STRING_PLAIN));
    return *json_r ? 0 : domm_no_memory(err);
}
