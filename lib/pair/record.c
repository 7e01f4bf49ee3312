/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/pair/record.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/xen/vif.h"

#define RECORD_VERSION 1
#define RECORD_DEPTH 8

const struct domm_record_target *domm_record_find(const struct domm_record *record,
                                                  const struct domm_uuid *uuid)
{
    for (size_t i = 0; i < record->n_targets; i++) {
        if (domm_uuid_equal(&record->targets[i].uuid, uuid))
            return &record->targets[i];
    }
    return NULL;
}

const char *domm_storage_kind_name(enum domm_storage_kind kind)
{
    return kind == DOMM_STORAGE_NFS ? "nfs" : "block";
}

/* What stands before ":/": a name, an IPv4 address, or [an IPv6 address]. */
static bool is_server(const char *text, size_t length)
{
    char address[INET6_ADDRSTRLEN];
    struct in6_addr ignored;
    if (text[0] != '[')
        return length && text[0] != '-' && strcspn(text, ":[]") == length;
    if (length < 2 || text[length - 1] != ']' || length - 2 >= sizeof(address))
        return false;
    snprintf(address, sizeof(address), "%.*s", (int)length - 2, text + 1);
    return inet_pton(AF_INET6, address, &ignored) == 1;
}

bool domm_storage_source_valid(enum domm_storage_kind kind, const char *source)
{
    size_t length = strlen(source);
    if (length == 0 || length >= DOMM_RECORD_MAX_SOURCE)
        return false;
    for (size_t i = 0; i < length; i++) {
        bool plain = isalnum((unsigned char)source[i]);
        if (!plain && (kind == DOMM_STORAGE_BLOCK || !strchr("/.-_:[]@+=~", source[i])))
            return false;
    }
    const char *path = strstr(source, ":/");
    return kind == DOMM_STORAGE_BLOCK || (path && is_server(source, (size_t)(path - source)));
}

/* An absent number leaves the value unchanged. */
static int read_number(struct json_object *object, const char *key, unsigned min, unsigned max,
                       unsigned *number, struct domm_error *err)
{
    struct json_object *value;
    if (!json_object_object_get_ex(object, key, &value))
        return 0;
    int64_t n = json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : -1;
    if (n < min || n > max)
        return domm_fail(err, DOMM_REFUSED, "\"%s\" is not a number from %u to %u", key, min, max);
    *number = (unsigned)n;
    return 0;
}

/* An absent flag is false. */
static int read_flag(struct json_object *object, const char *key, bool *flag_r,
                     struct domm_error *err)
{
    struct json_object *value;
    *flag_r = false;
    if (!json_object_object_get_ex(object, key, &value))
        return 0;
    if (!json_object_is_type(value, json_type_boolean))
        return domm_fail(err, DOMM_REFUSED, "\"%s\" is neither true nor false", key);
    *flag_r = json_object_get_boolean(value);
    return 0;
}

/* Null if the member is not a text, or a text with a NUL. */
static const char *read_text(struct json_object *object, const char *key)
{
    struct json_object *value;
    if (!json_object_object_get_ex(object, key, &value) ||
        !json_object_is_type(value, json_type_string))
        return NULL;
    const char *text = json_object_get_string(value);
    return strlen(text) == (size_t)json_object_get_string_len(value) ? text : NULL;
}

/* An absent list has no items. */
static int read_list(struct json_object *object, const char *key, size_t most,
                     struct json_object **list_r, size_t *count_r, struct domm_error *err)
{
    *count_r = 0;
    if (!json_object_object_get_ex(object, key, list_r))
        return 0;
    if (!json_object_is_type(*list_r, json_type_array))
        return domm_fail(err, DOMM_REFUSED, "\"%s\" is not an array", key);
    *count_r = json_object_array_length(*list_r);
    if (*count_r > most)
        return domm_fail(err, DOMM_REFUSED, "%zu %s, more than %zu", *count_r, key, most);
    return 0;
}

/* Absent members select everything. */
static int read_selection(struct json_object *item, struct domm_selection *selection_r,
                          struct domm_error *err)
{
    const char *protocol = read_text(item, "protocol");
    int rc = read_number(item, "vlan", 1, DOMM_VLAN_MAX, &selection_r->vlan, err);
    if (rc)
        return rc;
    if (!protocol && json_object_object_get_ex(item, "protocol", NULL))
        return domm_fail(err, DOMM_REFUSED, "\"protocol\" is not a text");
    return protocol ? domm_selection_protocol_parse(protocol, &selection_r->protocol, err) : 0;
}

static int add_mirror(struct domm_record_target *target, struct json_object *item,
                      struct domm_error *err)
{
    struct domm_mirror_pair *mirror = &target->mirrors[target->n_mirrors++];
    *mirror = (struct domm_mirror_pair){.vif = DOMM_VIF_MAX, .to = DOMM_VIF_MAX};
    int rc = read_number(item, "vif", 0, DOMM_VIF_MAX - 1, &mirror->vif, err);
    if (rc)
        return rc;
    rc = read_number(item, "to", 0, DOMM_VIF_MAX - 1, &mirror->to, err);
    if (!rc && (mirror->vif == DOMM_VIF_MAX || mirror->to == DOMM_VIF_MAX))
        rc = domm_fail(err, DOMM_REFUSED, "a mirror lacks \"vif\" or \"to\"");
    for (size_t i = 0; !rc && i + 1 < target->n_mirrors; i++) {
        if (target->mirrors[i].vif == mirror->vif)
            rc = domm_fail(err, DOMM_REFUSED, "vif %u is mirrored twice", mirror->vif);
    }
    if (rc)
        return rc;
    return read_selection(item, &mirror->selection, err);
}

static int add_storage(struct domm_record_target *target, struct json_object *item,
                       struct domm_error *err)
{
    struct domm_storage *storage = &target->storage[target->n_storage++];
    const char *nfs = read_text(item, "nfs"), *block = read_text(item, "block");
    const char *source = nfs ? nfs : block;
    storage->kind = nfs ? DOMM_STORAGE_NFS : DOMM_STORAGE_BLOCK;
    storage->max_age = DOMM_STORAGE_MAX_AGE;
    if (!nfs == !block || !domm_storage_source_valid(storage->kind, source))
        return domm_fail(err, DOMM_REFUSED, "storage is neither \"nfs\" nor \"block\"");
    snprintf(storage->source, sizeof(storage->source), "%s", source);
    int rc = read_number(item, "max_age", 0, 3600, &storage->max_age, err);
    if (rc)
        return rc;
    const char *options = nfs ? read_text(item, "options") : NULL;
    rc = options ? domm_nfs_options_parse(options, &storage->nfs, err) : 0;
    if (rc)
        return rc;
    return read_flag(item, "unchecked", &storage->unchecked, err);
}

static int add_items(struct domm_record_target *target, struct json_object *item,
                     struct domm_error *err)
{
    struct json_object *list;
    size_t count;
    int rc = read_list(item, "mirror", DOMM_RECORD_MAX_ITEMS, &list, &count, err);
    for (size_t i = 0; !rc && i < count; i++)
        rc = add_mirror(target, json_object_array_get_idx(list, i), err);
    if (rc)
        return rc;
    rc = read_list(item, "storage", DOMM_RECORD_MAX_ITEMS, &list, &count, err);
    for (size_t i = 0; !rc && i < count; i++)
        rc = add_storage(target, json_object_array_get_idx(list, i), err);
    return rc;
}

static int add_target(struct domm_record *record, struct json_object *item, struct domm_error *err)
{
    struct domm_uuid uuid;
    const char *text = read_text(item, "uuid");
    if (!text || !domm_uuid_parse(text, &uuid))
        return domm_fail(err, DOMM_REFUSED, "the \"uuid\" of a target is not a UUID");
    if (domm_uuid_is_nil(&uuid))
        return domm_fail(err, DOMM_REFUSED, "the nil UUID, dom0's, cannot be a target");
    if (domm_record_find(record, &uuid))
        return domm_fail(err, DOMM_REFUSED, "target %s is named twice", text);
    struct domm_record_target *target = &record->targets[record->n_targets++];
    *target = (struct domm_record_target){.uuid = uuid};
    return add_items(target, item, err) ? domm_wrap(err, "target %s", text) : 0;
}

static int read_targets(struct domm_record *record, struct json_object *root,
                        struct domm_error *err)
{
    struct json_object *list;
    size_t count;
    if (!json_object_object_get_ex(root, "targets", &list))
        return domm_fail(err, DOMM_REFUSED, "\"targets\" is not an array");
    int rc = read_list(root, "targets", DOMM_RECORD_MAX_TARGETS, &list, &count, err);
    for (size_t i = 0; !rc && i < count; i++)
        rc = add_target(record, json_object_array_get_idx(list, i), err);
    return rc;
}

static int read_settings(struct domm_record *record, struct json_object *root,
                         struct domm_error *err)
{
    struct json_object *list;
    size_t count;
    record->migrate = (struct domm_settings){0};
    int rc = read_list(root, "migrate", DOMM_SETTINGS_MAX, &list, &count, err);
    for (size_t i = 0; !rc && i < count; i++) {
        struct json_object *item = json_object_array_get_idx(list, i);
        if (!json_object_is_type(item, json_type_string))
            return domm_fail(err, DOMM_REFUSED, "an item of \"migrate\" is not a text");
        rc = domm_settings_add(&record->migrate, json_object_get_string(item), err);
    }
    return rc;
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

/* The tokener may stop before the end, so that the rest must be checked as well. */
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
    record_r->ready_timeout = DOMM_READY_TIMEOUT;
    int rc = check_version(root, err);
    if (rc)
        return rc;
    rc = read_number(root, "ready_timeout", 1, 3600, &record_r->ready_timeout, err);
    if (rc)
        return rc;
    rc = read_settings(record_r, root, err);
    if (rc)
        return rc;
    return read_targets(record_r, root, err);
}

static struct json_object *target_json(const struct domm_record_target *target)
{
    struct json_object *object = json_object_new_object();
    struct json_object *mirrors = json_object_new_array(), *storage = json_object_new_array();
    char text[DOMM_UUID_TEXT];
    domm_uuid_format(&target->uuid, text);
    domm_json_text(object, "uuid", text);
    for (size_t i = 0; i < target->n_mirrors; i++) {
        struct json_object *item = json_object_new_object();
        domm_json_number(item, "vif", target->mirrors[i].vif);
        domm_json_number(item, "to", target->mirrors[i].to);
        domm_selection_json(item, &target->mirrors[i].selection);
        json_object_array_add(mirrors, item);
    }
    for (size_t i = 0; i < target->n_storage; i++) {
        const struct domm_storage *one = &target->storage[i];
        struct json_object *item = json_object_new_object();
        domm_json_text(item, domm_storage_kind_name(one->kind), one->source);
        domm_json_number(item, "max_age", one->max_age);
        char options[DOMM_NFS_OPTIONS];
        domm_nfs_options_format(&one->nfs, options);
        if (*options)
            domm_json_text(item, "options", options);
        if (one->unchecked)
            domm_json_bool(item, "unchecked", true);
        json_object_array_add(storage, item);
    }
    json_object_object_add(object, "mirror", mirrors);
    json_object_object_add(object, "storage", storage);
    return object;
}

static struct json_object *settings_json(const struct domm_settings *settings)
{
    struct json_object *list = json_object_new_array();
    for (size_t i = 0; i < settings->count; i++) {
        char text[2 * DOMM_SETTING_BYTES];
        snprintf(text, sizeof(text), "%s=%s", settings->items[i].key, settings->items[i].value);
        json_object_array_add(list, json_object_new_string(text));
    }
    return list;
}

int domm_record_format(const struct domm_record *record, char **json_r, struct domm_error *err)
{
    cleanup_json struct json_object *root = json_object_new_object();
    struct json_object *targets = json_object_new_array();
    for (size_t i = 0; i < record->n_targets; i++)
        json_object_array_add(targets, target_json(&record->targets[i]));
    domm_json_number(root, "version", RECORD_VERSION);
    domm_json_number(root, "ready_timeout", record->ready_timeout);
    if (record->migrate.count)
        json_object_object_add(root, "migrate", settings_json(&record->migrate));
    json_object_object_add(root, "targets", targets);
    *json_r = strdup(json_object_to_json_string_ext(root, JSON_C_TO_STRING_PLAIN |
                                                              JSON_C_TO_STRING_NOSLASHESCAPE));
    return *json_r ? 0 : domm_no_memory(err);
}
