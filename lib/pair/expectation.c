/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/pair/expectation.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/file.h"
#include "lib/base/json.h"
#include "lib/base/paths.h"

#define PATH_BYTES 256
#define MAX_BYTES 2048
#define EXPECTATION_VERSION 1

static void expected_directory(char path_r[PATH_BYTES])
{
    snprintf(path_r, PATH_BYTES, "%s/expected", domm_var_directory);
}

static void expectation_path(const struct domm_uuid *target, char path_r[PATH_BYTES])
{
    char uuid[DOMM_UUID_TEXT];
    domm_uuid_format(target, uuid);
    snprintf(path_r, PATH_BYTES, "%s/expected/%s", domm_var_directory, uuid);
}

static void expectation_take_name(struct json_object *object, char name_r[DOMM_EXPECTED_NAME])
{
    struct json_object *value;
    if (json_object_object_get_ex(object, "name", &value) &&
        json_object_is_type(value, json_type_string))
        snprintf(name_r, DOMM_EXPECTED_NAME, "%s", json_object_get_string(value));
}

/* Leaves what is not there, or malformed, unknown. False if anything is. */
static bool expectation_parse(const char *text, struct domm_expectation *expectation)
{
    cleanup_json struct json_object *root = json_tokener_parse(text);
    struct json_object *monitor, *uuid;
    if (!json_object_is_type(root, json_type_object))
        return false;
    expectation_take_name(root, expectation->target_name);
    if (!json_object_object_get_ex(root, "monitor", &monitor) ||
        !json_object_is_type(monitor, json_type_object))
        return false;
    expectation_take_name(monitor, expectation->monitor_name);
    return json_object_object_get_ex(monitor, "uuid", &uuid) &&
           json_object_is_type(uuid, json_type_string) &&
           domm_uuid_parse(json_object_get_string(uuid), &expectation->monitor);
}

static bool expectation_read(const struct domm_uuid *target, struct domm_expectation *one_r)
{
    char path[PATH_BYTES], text[MAX_BYTES + 1];
    *one_r = (struct domm_expectation){.target = *target};
    expectation_path(target, path);
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, text, MAX_BYTES);
    if (got < 0)
        return false;
    text[got] = '\0';
    return expectation_parse(text, one_r);
}

static int expectations_add(struct domm_log *log, struct domm_expectations *all, const char *name,
                            struct domm_error *err)
{
    struct domm_uuid target;
    if (!domm_uuid_parse(name, &target)) /* ".", "..", or what a crash has left of a write */
        return 0;
    struct domm_expectation *list = realloc(all->list, (all->count + 1) * sizeof(*list));
    if (!list)
        return domm_no_memory(err);
    all->list = list;
    if (!expectation_read(&target, &list[all->count++]) && log)
        domm_log(log, DOMM_LOG_WARN,
                 "%s/expected/%s cannot be read, so which monitor this target has is not known",
                 domm_var_directory, name);
    return 0;
}

static int by_uuid(const void *a, const void *b)
{
    const struct domm_expectation *one = a, *other = b;
    return memcmp(&one->target, &other->target, sizeof(one->target));
}

int domm_expectations_read(struct domm_log *log, struct domm_expectations *expectations_r,
                           struct domm_error *err)
{
    char path[PATH_BYTES];
    int rc = 0;
    *expectations_r = (struct domm_expectations){0};
    expected_directory(path);
    DIR *directory = opendir(path);
    if (!directory)
        return errno == ENOENT ? 0 : domm_fail_errno(err, DOMM_FAILED, errno, "reading %s", path);
    for (struct dirent *entry; !rc && (entry = readdir(directory));)
        rc = expectations_add(log, expectations_r, entry->d_name, err);
    closedir(directory);
    if (rc)
        domm_expectations_free(expectations_r);
    else if (expectations_r->count)
        qsort(expectations_r->list, expectations_r->count, sizeof(*expectations_r->list), by_uuid);
    return rc;
}

void domm_expectations_free(struct domm_expectations *expectations)
{
    free(expectations->list);
    *expectations = (struct domm_expectations){0};
}

const struct domm_expectation *domm_expectations_find(const struct domm_expectations *expectations,
                                                      const struct domm_uuid *target)
{
    for (size_t i = 0; i < expectations->count; i++) {
        if (domm_uuid_equal(&expectations->list[i].target, target))
            return &expectations->list[i];
    }
    return NULL;
}

bool domm_expectation_exists(const struct domm_uuid *target)
{
    char path[PATH_BYTES];
    expectation_path(target, path);
    return access(path, F_OK) == 0;
}

/* Makes the directory and its parent. */
static int make_expected_directory(struct domm_error *err)
{
    char path[PATH_BYTES];
    expected_directory(path);
    int rc = domm_make_directory(domm_var_directory, 0755, err);
    if (rc)
        return rc;
    return domm_make_directory(path, 0700, err);
}

int domm_expectation_write(const struct domm_expectation *one, struct domm_error *err)
{
    cleanup_json struct json_object *root = json_object_new_object();
    struct json_object *monitor = json_object_new_object();
    char path[PATH_BYTES], uuid[DOMM_UUID_TEXT];
    domm_uuid_format(&one->monitor, uuid);
    domm_json_number(root, "version", EXPECTATION_VERSION);
    domm_json_text(root, "name", one->target_name);
    domm_json_text(monitor, "uuid", uuid);
    domm_json_text(monitor, "name", one->monitor_name);
    json_object_object_add(root, "monitor", monitor);
    const char *text = json_object_to_json_string_ext(root, JSON_C_TO_STRING_PLAIN);
    int rc = make_expected_directory(err);
    if (rc)
        return rc;
    expectation_path(&one->target, path);
    return domm_file_replace(path, text, strlen(text), err);
}

static void copy_proper_name(const char *name, char name_r[DOMM_EXPECTED_NAME])
{
    snprintf(name_r, DOMM_EXPECTED_NAME, "%.*s", (int)domm_name_length(name), name);
}

void domm_expectation_make(const struct domm_uuid *target, const char *target_name,
                           const struct domm_uuid *monitor, const char *monitor_name,
                           struct domm_expectation *expectation_r)
{
    *expectation_r = (struct domm_expectation){.target = *target, .monitor = *monitor};
    copy_proper_name(target_name, expectation_r->target_name);
    copy_proper_name(monitor_name, expectation_r->monitor_name);
}

int domm_expectations_note(const struct domm_inventory *inventory, const struct domm_uuid *monitor,
                           const char *monitor_name, const struct domm_record *record,
                           struct domm_error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < record->n_targets; i++) {
        const struct domm_uuid *uuid = &record->targets[i].uuid;
        const struct domm_inventory_entry *target = domm_inventory_by_uuid(inventory, uuid);
        struct domm_expectation one;
        domm_expectation_make(uuid, target ? target->domain.name : "", monitor, monitor_name, &one);
        rc = domm_expectation_write(&one, err);
    }
    return rc;
}

int domm_expectation_remove(const struct domm_uuid *target, struct domm_error *err)
{
    char path[PATH_BYTES];
    expectation_path(target, path);
    if (unlink(path) && errno != ENOENT)
        return domm_fail_errno(err, DOMM_FAILED, errno, "removing %s", path);
    return 0;
}

int domm_expectations_end(const struct domm_uuid *monitor, const struct domm_uuid *target,
                          struct domm_error *err)
{
    struct domm_expectations all;
    int rc = domm_expectations_read(NULL, &all, err);
    for (size_t i = 0; !rc && i < all.count; i++) {
        const struct domm_expectation *one = &all.list[i];
        if (domm_uuid_equal(&one->monitor, monitor) &&
            (!target || domm_uuid_equal(&one->target, target)))
            rc = domm_expectation_remove(&one->target, err);
    }
    domm_expectations_free(&all);
    return rc;
}

int domm_expectations_restore(const struct domm_expectations *before,
                              const struct domm_record *record, struct domm_error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < record->n_targets; i++) {
        const struct domm_uuid *target = &record->targets[i].uuid;
        const struct domm_expectation *one = domm_expectations_find(before, target);
        rc = one ? domm_expectation_write(one, err) : domm_expectation_remove(target, err);
    }
    return rc;
}
