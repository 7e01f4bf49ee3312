/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/agent/wanted.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/xen/vif.h"

#define MAX_AGE 3600
#define MAX_PATH 160

bool wanted_name_fits(const char *name)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t length = strlen(name);
    return length > 0 && length < WANTED_NAME && name[0] != '.' && strspn(name, letters) == length;
}

/* Decimal digits without leading zeroes, so that each number has one form. */
static bool wanted_parse_number(const char *text, unsigned max, unsigned *number_r)
{
    size_t length = strlen(text);
    if (length == 0 || length > 4 || strspn(text, "0123456789") != length ||
        (text[0] == '0' && length > 1))
        return false;
    *number_r = (unsigned)strtoul(text, NULL, 10);
    return *number_r <= max;
}

/* As Linux names disks and their partitions: xvdb, xvda1, sdaa. */
static bool is_vdev(const char *text)
{
    static const char *const kinds[] = {"xvd", "sd", "hd"};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        size_t prefix = strlen(kinds[i]);
        if (strncmp(text, kinds[i], prefix) != 0)
            continue;
        const char *rest = text + prefix;
        size_t letters = strspn(rest, "abcdefghijklmnopqrstuvwxyz");
        size_t digits = strspn(rest + letters, "0123456789");
        return letters >= 1 && letters <= 2 && digits <= 3 && !rest[letters + digits];
    }
    return false;
}

int wanted_storage_parse(const char *type, const char *source, const char *max_age,
                         const char *options, struct domm_storage *storage_r,
                         struct domm_error *err)
{
    *storage_r = (struct domm_storage){.kind = DOMM_STORAGE_NFS};
    if (strcmp(type, domm_storage_kind_name(DOMM_STORAGE_BLOCK)) == 0)
        storage_r->kind = DOMM_STORAGE_BLOCK;
    else if (strcmp(type, domm_storage_kind_name(DOMM_STORAGE_NFS)) != 0)
        return domm_fail(err, DOMM_REFUSED, "unknown type '%.32s'", type);
    if (!domm_storage_source_valid(storage_r->kind, source))
        return domm_fail(err, DOMM_REFUSED, "invalid source '%.64s'", source);
    if (storage_r->kind == DOMM_STORAGE_BLOCK && !is_vdev(source))
        return domm_fail(err, DOMM_REFUSED, "source '%.64s' is not the name of a disk", source);
    if (!wanted_parse_number(max_age, MAX_AGE, &storage_r->max_age))
        return domm_fail(err, DOMM_REFUSED, "max_age '%.32s' is not a number from 0 to %d", max_age,
                         MAX_AGE);
    snprintf(storage_r->source, sizeof(storage_r->source), "%s", source);
    if (options && storage_r->kind == DOMM_STORAGE_NFS)
        return domm_nfs_options_parse(options, &storage_r->nfs, err);
    return 0;
}

static void wanted_refuse(struct wanted *wanted, const char *fmt, ...) DOMM_PRINTF(2, 3);

static void wanted_refuse(struct wanted *wanted, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    if (wanted->n_refused < WANTED_REFUSALS)
        vsnprintf(wanted->refused[wanted->n_refused], WANTED_REFUSAL, fmt, args);
    va_end(args);
    wanted->n_refused++;
}

static bool is_missing(int rc)
{
    return rc == -DOMM_NOT_FOUND || rc == -DOMM_NOT_PERMITTED;
}

static int wanted_read_part(struct domm_store *store, const char *directory, const char *part,
                            char **text_r, struct domm_error *err)
{
    char path[MAX_PATH];
    snprintf(path, sizeof(path), "%.128s/%s", directory, part);
    return domm_store_read(store, path, text_r, err);
}

static int read_storage(struct domm_store *store, const char *directory, const char *name,
                        struct wanted *wanted, struct wanted_target *target, struct domm_error *err)
{
    unsigned number;
    char path[MAX_PATH];
    cleanup_free char *type = NULL, *source = NULL, *max_age = NULL, *options = NULL;
    if (!wanted_parse_number(name, DOMM_RECORD_MAX_ITEMS - 1, &number)) {
        wanted_refuse(wanted, "%s/%.16s: not a number below %d", directory, name,
                      DOMM_RECORD_MAX_ITEMS);
        return 0;
    }
    snprintf(path, sizeof(path), "%.80s/%u", directory, number);
    if (wanted_read_part(store, path, "type", &type, err) ||
        wanted_read_part(store, path, "source", &source, err) ||
        wanted_read_part(store, path, "max_age", &max_age, err))
        return is_missing(-(int)err->code) ? 0 : -(int)err->code;
    int rc = wanted_read_part(store, path, "options", &options, err);
    if (rc && !is_missing(rc))
        return rc;
    if (wanted_storage_parse(type, source, max_age, options, &target->storage[number], err))
        wanted_refuse(wanted, "%s: %s", path, err->text);
    else
        target->listed[number] = true;
    return 0;
}

static int read_storages(struct domm_store *store, const char *directory, struct wanted *wanted,
                         struct wanted_target *target, struct domm_error *err)
{
    cleanup_free char **names = NULL;
    size_t count;
    int rc = domm_store_list(store, directory, &names, &count, err);
    for (size_t i = 0; !rc && i < count; i++)
        rc = read_storage(store, directory, names[i], wanted, target, err);
    return is_missing(rc) ? 0 : rc;
}

static int read_name(struct domm_store *store, const char *directory, struct wanted *wanted,
                     struct wanted_target *target, struct domm_error *err)
{
    cleanup_free char *name = NULL;
    int rc = wanted_read_part(store, directory, "name", &name, err);
    if (rc)
        return rc;
    if (wanted_name_fits(name))
        snprintf(target->name, sizeof(target->name), "%s", name);
    else
        wanted_refuse(wanted, "%s/name: '%.64s' is not usable as a directory name", directory,
                      name);
    return 0;
}

/* Parses numbers separated by commas, up to the first invalid one. */
static int read_monitor_vifs(struct domm_store *store, const char *directory, struct wanted *wanted,
                             struct wanted_target *target, struct domm_error *err)
{
    cleanup_free char *text = NULL;
    int rc = wanted_read_part(store, directory, "monitors", &text, err);
    if (rc)
        return is_missing(rc) ? 0 : rc;
    char *rest = text, *number;
    while ((number = strsep(&rest, ",")) && *number) {
        unsigned *devid = &target->monitor_vifs[target->n_monitor_vifs];
        if (target->n_monitor_vifs == DOMM_RECORD_MAX_ITEMS ||
            !wanted_parse_number(number, DOMM_VIF_MAX - 1, devid)) {
            wanted_refuse(wanted,
                          "%s/monitors: '%.32s' is not the number of a vif, or is one too many",
                          directory, number);
            return 0;
        }
        target->n_monitor_vifs++;
    }
    return 0;
}

static bool wanted_is_listed(const struct wanted *wanted, const struct domm_uuid *uuid)
{
    for (size_t i = 0; i < wanted->n_targets; i++) {
        if (domm_uuid_equal(&wanted->targets[i].uuid, uuid))
            return true;
    }
    return false;
}

static int read_target(struct domm_store *store, const char *name, struct wanted *wanted,
                       struct domm_error *err)
{
    struct domm_uuid uuid;
    char directory[MAX_PATH / 2], path[MAX_PATH];
    if (!domm_uuid_parse(name, &uuid) || domm_uuid_is_nil(&uuid)) {
        wanted_refuse(wanted, WANTED_NODE "/%.64s: not the UUID of a guest", name);
        return 0;
    }
    if (wanted_is_listed(wanted, &uuid) || wanted->n_targets == DOMM_RECORD_MAX_TARGETS) {
        wanted_refuse(wanted, WANTED_NODE "/%s: listed twice, or more than %d targets", name,
                      DOMM_RECORD_MAX_TARGETS);
        return 0;
    }
    struct wanted_target *target = &wanted->targets[wanted->n_targets++];
    *target = (struct wanted_target){.uuid = uuid};
    snprintf(directory, sizeof(directory), WANTED_NODE "/%s", name);
    snprintf(path, sizeof(path), "%s/storage", directory);
    int rc = read_name(store, directory, wanted, target, err);
    if (is_missing(rc))
        wanted->n_targets--; /* dom0 writes the name last: the rest may not be whole */
    if (rc)
        return is_missing(rc) ? 0 : rc;
    rc = read_monitor_vifs(store, directory, wanted, target, err);
    if (rc)
        return rc;
    return read_storages(store, path, wanted, target, err);
}

int wanted_read(struct domm_store *store, struct wanted *wanted_r, struct domm_error *err)
{
    cleanup_free char **names = NULL;
    size_t count;
    memset(wanted_r, 0, sizeof(*wanted_r));
    int rc = domm_store_list(store, WANTED_NODE, &names, &count, err);
    for (size_t i = 0; !rc && i < count; i++)
        rc = read_target(store, names[i], wanted_r, err);
    return rc;
}
