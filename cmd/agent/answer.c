/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/agent/answer.h"

#include <stdio.h>
#include <string.h>

#include "lib/base/json.h"

/* Error texts quote other programs. Bytes that are not printable ASCII, or that JSON would escape,
 * are replaced. */
static void add_error(struct json_object *object, const char *error, size_t most)
{
    char text[ANSWER_ERROR];
    snprintf(text, most < sizeof(text) ? most + 1 : sizeof(text), "%s", error);
    for (char *c = text; *c; c++) {
        if (*c < ' ' || *c > '~')
            *c = '?';
        else if (*c == '"' || *c == '\\')
            *c = '\'';
    }
    domm_json_text(object, "error", text);
}

static struct json_object *make_storage(const struct answer_storage *storage, size_t most)
{
    struct json_object *object = json_object_new_object();
    domm_json_bool(object, "ok", storage->ok);
    json_object_object_add(object, "age",
                           storage->age_s < 0 ? NULL : json_object_new_int64(storage->age_s));
    add_error(object, storage->error, most);
    domm_json_text(object, "path", storage->path);
    return object;
}

static struct json_object *answer_make_monitor(const struct answer_monitor_vif *monitor,
                                               size_t most)
{
    struct json_object *object = json_object_new_object();
    domm_json_number(object, "vif", monitor->vif);
    domm_json_bool(object, "ok", monitor->error == NULL);
    add_error(object, monitor->error ? monitor->error : "", most);
    return object;
}

/* Returns the length of the whole text, which may exceed the buffer. */
static size_t format(const struct answer *answer, size_t most, char text_r[ANSWER_BYTES])
{
    cleanup_json struct json_object *root = json_object_new_object();
    struct json_object *memory = json_object_new_object();
    struct json_object *list = json_object_new_array();
    struct json_object *monitor_vifs = json_object_new_array();
    domm_json_bool(memory, "ok", answer->memory_ok);
    add_error(memory, answer->memory_error, most);
    for (size_t i = 0; i < answer->n_monitor_vifs; i++)
        json_object_array_add(monitor_vifs, answer_make_monitor(&answer->monitor_vifs[i], most));
    for (size_t i = 0; i < answer->n_storage; i++)
        json_object_array_add(list, make_storage(&answer->storage[i], most));
    json_object_object_add(root, "memory", memory);
    json_object_object_add(root, "network", monitor_vifs);
    json_object_object_add(root, "storage", list);
    return (size_t)snprintf(text_r, ANSWER_BYTES, "%s",
                            json_object_to_json_string_ext(
                                root, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}

/* Without error texts the answer always fits: names are short and need no escaping. */
void answer_format(const struct answer *answer, char text_r[ANSWER_BYTES])
{
    size_t most = ANSWER_ERROR - 1;
    while (format(answer, most, text_r) >= ANSWER_BYTES && most)
        most /= 2;
}
