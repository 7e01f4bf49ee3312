/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/move/past.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/boot.h"
#include "lib/base/json.h"
#include "lib/base/place.h"
#include "lib/move/wire.h"

#define LINE_BYTES 65536

static const char *text_of(struct json_object *object, const char *key)
{
    struct json_object *value;
    if (!json_object_object_get_ex(object, key, &value) ||
        !json_object_is_type(value, json_type_string))
        return "";
    return json_object_get_string(value);
}

struct reading {
    const struct domm_past_query *query;
    const char *boot; /* this one */
    struct domm_past past;
    bool named, of_this_boot;
};

static bool is_wanted(struct json_object *guest, const struct domm_past_query *query)
{
    struct domm_uuid uuid;
    struct json_object *domid;
    return json_object_is_type(guest, json_type_object) &&
           domm_uuid_parse(text_of(guest, "uuid"), &uuid) && domm_uuid_equal(&uuid, query->guest) &&
           (!query->domid || (json_object_object_get_ex(guest, "domid", &domid) &&
                              json_object_get_int64(domid) == query->domid));
}

static bool names(struct json_object *line, const struct domm_past_query *query)
{
    struct json_object *guests;
    bool found = false;
    if (!json_object_object_get_ex(line, "guests", &guests) ||
        !json_object_is_type(guests, json_type_array))
        return false;
    for (size_t i = 0; i < json_object_array_length(guests); i++)
        found |= is_wanted(json_object_array_get_idx(guests, i), query);
    return found;
}

/* The states that the source is in once the destination has said that it has the guests. */
static bool is_moved(const char *state)
{
    static const enum domm_move_state moved[] = {DOMM_SRC_WATCHING, DOMM_SRC_CLEARING,
                                                 DOMM_SRC_MOVED};
    for (size_t i = 0; i < sizeof(moved) / sizeof(moved[0]); i++) {
        if (strcmp(state, domm_states[moved[i]].name) == 0)
            return true;
    }
    return false;
}

static void take_line(struct reading *reading, struct json_object *line)
{
    struct domm_past *past = &reading->past;
    const char *what = text_of(line, "what");
    reading->named |= names(line, reading->query);
    if (strcmp(what, "begin") == 0) {
        reading->of_this_boot |= strcmp(text_of(line, "boot"), reading->boot) == 0;
        if (!past->destination[0])
            snprintf(past->destination, sizeof(past->destination), "%s",
                     text_of(line, "destination"));
    } else if (strcmp(what, "decided") == 0) {
        past->owner = DOMM_PAST_UNKNOWN;
    } else if (strcmp(what, "adopted") == 0 ||
               (past->source && strcmp(what, "state") == 0 && is_moved(text_of(line, "state")))) {
        past->owner = DOMM_PAST_DESTINATION;
    } else if (strcmp(what, "undecided") == 0 || strcmp(what, "not adopted") == 0) {
        past->owner = DOMM_PAST_SOURCE;
    }
}

/* A line that was not written whole, the last, says nothing. */
static bool read_journal(int directory, struct reading *reading)
{
    static char text[LINE_BYTES];
    int fd = openat(directory, "journal", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    FILE *stream = fd < 0 ? NULL : fdopen(fd, "r");
    while (stream && fgets(text, sizeof(text), stream)) {
        cleanup_json struct json_object *line = json_tokener_parse(text);
        if (json_object_is_type(line, json_type_object))
            take_line(reading, line);
    }
    if (stream)
        fclose(stream);
    else if (fd >= 0)
        close(fd);
    return reading->named && reading->of_this_boot;
}

static bool is_of_this_end(const char *name, bool source)
{
    const char *dot = strchr(name, '.');
    return dot && strcmp(dot, source ? ".source" : ".destination") == 0;
}

static bool is_later(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec > b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec > b->tv_nsec);
}

/* Reads one if it is not over, and was written to later than the last that fits. */
static void consider(int all, const char *name, const struct domm_past_query *query,
                     const char *boot, struct domm_past *past, struct timespec *latest)
{
    struct reading reading = {.query = query, .boot = boot, .past = {.source = query->source}};
    struct stat journal;
    snprintf(reading.past.path, sizeof(reading.past.path), "%s/%s", domm_journals_directory, name);
    if (query->own && strcmp(reading.past.path, domm_journal_path(query->own)) == 0)
        return;
    int fd = openat(all, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return;
    if (faccessat(fd, "over", F_OK, 0) && fstatat(fd, "journal", &journal, 0) == 0 &&
        is_later(&journal.st_mtim, latest) && read_journal(fd, &reading)) {
        *latest = journal.st_mtim;
        *past = reading.past;
    }
    close(fd);
}

int domm_past_find(const struct domm_past_query *query, struct domm_past *past_r,
                   struct domm_error *err)
{
    struct timespec latest = {0};
    struct dirent *entry;
    char boot[DOMM_UUID_TEXT];
    DIR *all = opendir(domm_journals_directory);
    *past_r = (struct domm_past){.source = query->source};
    domm_boot_id(boot);
    while (all && (entry = readdir(all))) {
        if (is_of_this_end(entry->d_name, query->source))
            consider(dirfd(all), entry->d_name, query, boot, past_r, &latest);
    }
    if (all)
        closedir(all);
    return past_r->path[0] ? 0 : domm_fail(err, DOMM_NOT_FOUND, "no migration of it was left");
}

int domm_past_finish(const struct domm_past_query *query, struct domm_error *err)
{
    struct domm_past past;
    struct domm_journal *journal;
    char last[PATH_MAX] = "";
    int rc;
    while ((rc = domm_past_find(query, &past, err)) == 0) {
        if (strcmp(past.path, last) == 0)
            return domm_fail(err, DOMM_FAILED, "%s cannot be marked as over", last);
        strcpy(last, past.path);
        rc = domm_journal_resume(past.path, &journal, err);
        if (rc)
            return rc;
        domm_journal_finish(journal);
        domm_journal_close(journal);
    }
    return rc == -DOMM_NOT_FOUND ? 0 : rc;
}

int domm_past_mapping_state(const struct domm_past *past, unsigned char **bytes_r, size_t *size_r,
                            struct domm_error *err)
{
    char path[PATH_MAX + 16];
    struct stat stat;
    *bytes_r = NULL;
    *size_r = 0;
    snprintf(path, sizeof(path), "%s/" DOMM_JOURNAL_STATE, past->path);
    FILE *stream = fopen(path, "re");
    if (!stream)
        return errno == ENOENT ? 0 : domm_fail_errno(err, DOMM_FAILED, errno, "%s", path);
    if (fstat(fileno(stream), &stat) == 0 && stat.st_size > 0 &&
        stat.st_size <= DOMM_WIRE_MAX_STATE)
        *bytes_r = malloc((size_t)stat.st_size);
    if (*bytes_r)
        *size_r = fread(*bytes_r, 1, (size_t)stat.st_size, stream);
    fclose(stream);
    return *bytes_r ? 0 : domm_fail(err, DOMM_REFUSED, "%s: not of a size that makes sense", path);
}
