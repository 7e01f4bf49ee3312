/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/migrate/report/report_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/base/paths.h"

#define MAX_REPORT (4 << 20)
#define ENDING ".source"

static void report_path(const char *id, char path_r[PATH_MAX])
{
    snprintf(path_r, PATH_MAX, "%s/%s" ENDING "/report.json", domm_journals_directory, id);
}

/* Whether the directory is a source's and has a report. */
static bool take_file(const char *name, struct domm_report_file *file_r)
{
    struct domm_uuid uuid;
    struct stat status;
    char path[PATH_MAX];
    size_t length = strlen(name);
    if (length != DOMM_UUID_TEXT - 1 + strlen(ENDING) ||
        strcmp(name + DOMM_UUID_TEXT - 1, ENDING) != 0)
        return false;
    snprintf(file_r->id, sizeof(file_r->id), "%.*s", DOMM_UUID_TEXT - 1, name);
    report_path(file_r->id, path);
    if (!domm_uuid_parse(file_r->id, &uuid) || stat(path, &status))
        return false;
    file_r->kept = status.st_mtim;
    return true;
}

static int newest_first(const void *a, const void *b)
{
    const struct timespec *one = &((const struct domm_report_file *)a)->kept;
    const struct timespec *two = &((const struct domm_report_file *)b)->kept;
    if (one->tv_sec != two->tv_sec)
        return one->tv_sec < two->tv_sec ? 1 : -1;
    return one->tv_nsec < two->tv_nsec ? 1 : one->tv_nsec > two->tv_nsec ? -1 : 0;
}

static int read_directory(DIR *directory, struct domm_report_file **files_r, size_t *count_r,
                          struct domm_error *err)
{
    for (const struct dirent *entry; (entry = readdir(directory));) {
        struct domm_report_file *more =
            realloc(*files_r, (*count_r + 1) * sizeof(struct domm_report_file));
        if (!more)
            return domm_no_memory(err);
        *files_r = more;
        *count_r += take_file(entry->d_name, &more[*count_r]);
    }
    return 0;
}

int domm_report_files(struct domm_report_file **files_r, size_t *count_r, struct domm_error *err)
{
    *files_r = NULL;
    *count_r = 0;
    DIR *directory = opendir(domm_journals_directory);
    if (!directory && errno == ENOENT)
        return 0;
    if (!directory)
        return domm_fail_errno(err, errno == EACCES ? DOMM_NOT_PERMITTED : DOMM_FAILED, errno,
                               "reading %s", domm_journals_directory);
    int rc = read_directory(directory, files_r, count_r, err);
    closedir(directory);
    if (!rc && *count_r)
        qsort(*files_r, *count_r, sizeof(**files_r), newest_first);
    return rc;
}

int domm_report_find(const struct domm_report_file *files, size_t count, const char *text,
                     const struct domm_report_file **file_r, struct domm_error *err)
{
    size_t found = 0, length = text ? strlen(text) : 0;
    for (size_t i = 0; i < count; i++) {
        if (length && strncasecmp(files[i].id, text, length) != 0)
            continue;
        if (!found++)
            *file_r = &files[i];
    }
    if (found == 1 || (found && !length))
        return 0;
    if (found)
        return domm_fail(err, DOMM_USAGE, "%zu reports begin with '%s'", found, text);
    if (!length)
        return domm_fail(err, DOMM_NOT_FOUND, "no report is kept on this host");
    domm_fail(err, DOMM_NOT_FOUND, "no report begins with '%.64s'", text);
    return domm_hint(err, "domm report --list shows those that are kept");
}

static int read_report(const char *path, char **text_r, struct domm_error *err)
{
    FILE *in = fopen(path, "re");
    *text_r = in ? calloc(1, MAX_REPORT + 1) : NULL;
    if (!in)
        return domm_fail_errno(err, errno == ENOENT ? DOMM_NOT_FOUND : DOMM_FAILED, errno,
                               "opening %s", path);
    size_t size = *text_r ? fread(*text_r, 1, MAX_REPORT, in) : 0;
    bool failed = ferror(in) || size == MAX_REPORT;
    fclose(in);
    if (!*text_r)
        return domm_no_memory(err);
    return failed ? domm_fail(err, DOMM_FAILED, "reading %s failed", path) : 0;
}

int domm_report_read(const char *path, struct domm_report *report_r, struct domm_error *err)
{
    cleanup_free char *text = NULL;
    int rc = read_report(path, &text, err);
    if (rc)
        return rc;
    rc = domm_report_parse(text, report_r, err);
    return rc ? domm_wrap(err, "%s", path) : 0;
}

int domm_report_load(const char *id, struct domm_report *report_r, struct domm_error *err)
{
    char path[PATH_MAX];
    report_path(id, path);
    return domm_report_read(path, report_r, err);
}
