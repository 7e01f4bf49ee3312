/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/migrate/journal/last_report.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/json.h"
#include "lib/base/paths.h"

static bool last_report_is(struct json_object *report, const char *key, const char *value)
{
    struct json_object *text;
    return json_object_object_get_ex(report, key, &text) &&
           json_object_is_type(text, json_type_string) &&
           strcmp(json_object_get_string(text), value) == 0;
}

static uint64_t read_rest(const char *path, const char *destination)
{
    cleanup_json struct json_object *report = json_object_from_file(path);
    struct json_object *rest;
    if (!json_object_is_type(report, json_type_object) ||
        !last_report_is(report, "outcome", "moved") ||
        !last_report_is(report, "destination", destination) ||
        !json_object_object_get_ex(report, "rest_ns", &rest) ||
        !json_object_is_type(rest, json_type_int))
        return 0;
    return json_object_get_uint64(rest);
}

static bool is_newer(const struct timespec *one, const struct timespec *other)
{
    return one->tv_sec != other->tv_sec ? one->tv_sec > other->tv_sec
                                        : one->tv_nsec > other->tv_nsec;
}

uint64_t domm_last_report_rest(const char *destination)
{
    struct timespec newest = {0};
    struct dirent *entry;
    uint64_t found = 0;
    DIR *journals = opendir(domm_journals_directory);
    while (journals && (entry = readdir(journals))) {
        char path[PATH_MAX];
        struct stat file;
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s/report.json", domm_journals_directory, entry->d_name);
        uint64_t rest = stat(path, &file) == 0 && is_newer(&file.st_mtim, &newest)
                            ? read_rest(path, destination)
                            : 0;
        if (rest) {
            found = rest;
            newest = file.st_mtim;
        }
    }
    if (journals)
        closedir(journals);
    return found;
}
