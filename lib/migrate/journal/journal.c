/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/migrate/journal/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/file.h"
#include "lib/base/log.h"
#include "lib/base/paths.h"

#define KEPT 100       /* finished migrations to keep */
#define KEPT_OPEN 1000 /* … of which the source may still ask */

struct domm_journal {
    int directory, file;
    char path[PATH_MAX];
};

static int journal_fail(struct domm_error *err, const char *doing, const char *what)
{
    return domm_fail_errno(err, DOMM_FAILED, errno, "%s %s", doing, what);
}

/* A new file is durable once its directory is synced. */
static int open_files(struct domm_journal *journal, struct domm_error *err)
{
    journal->directory = open(journal->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (journal->directory < 0)
        return journal_fail(err, "opening", journal->path);
    journal->file =
        openat(journal->directory, "journal", O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (journal->file < 0 || fsync(journal->directory))
        return journal_fail(err, "making a journal in", journal->path);
    return 0;
}

/* From the journal up to the directory that existed before domm. */
static int sync_parents(const char *path, struct domm_error *err)
{
    const char *const made[] = {path, domm_journals_directory, domm_var_directory};
    for (size_t i = 0; i < sizeof(made) / sizeof(made[0]); i++) {
        int rc = domm_sync_parent(made[i], err);
        if (rc)
            return rc;
    }
    return 0;
}

int domm_journal_begin(const struct domm_uuid *migration, bool source,
                       struct domm_journal **journal_r, struct domm_error *err)
{
    char uuid[DOMM_UUID_TEXT], path[PATH_MAX];
    domm_uuid_format(migration, uuid);
    snprintf(path, sizeof(path), "%s/%s.%s", domm_journals_directory, uuid,
             source ? "source" : "destination");
    int rc = domm_make_directory(domm_var_directory, 0700, err);
    if (rc)
        return rc;
    rc = domm_make_directory(domm_journals_directory, 0700, err);
    if (rc)
        return rc;
    rc = domm_make_directory(path, 0700, err);
    if (rc)
        return rc;
    rc = sync_parents(path, err);
    if (rc)
        return rc;
    return domm_journal_resume(path, journal_r, err);
}

/* A host that went down may have left a line without its end, or zero bytes in its place. What is
 * written next must not become a part of it. */
static int end_torn_line(struct domm_journal *journal, struct domm_error *err)
{
    char last = 0;
    off_t size = lseek(journal->file, 0, SEEK_END);
    if (size == 0 || (pread(journal->file, &last, 1, size - 1) == 1 && last == '\n'))
        return 0;
    if (write(journal->file, "\n", 1) == 1)
        return 0;
    return domm_fail_errno(err, DOMM_FAILED, errno, "writing the journal in %s", journal->path);
}

int domm_journal_resume(const char *path, struct domm_journal **journal_r, struct domm_error *err)
{
    struct domm_journal *journal = calloc(1, sizeof(*journal));
    if (!journal)
        return domm_no_memory(err);
    journal->directory = journal->file = -1;
    snprintf(journal->path, sizeof(journal->path), "%s", path);
    int rc = open_files(journal, err);
    if (!rc)
        rc = end_torn_line(journal, err);
    if (rc)
        domm_journal_close(journal);
    else
        *journal_r = journal;
    return rc;
}

/* When the migration was finished; 0 if it is unfinished. */
static time_t time_over(int directory)
{
    struct stat over;
    return fstatat(directory, "over", &over, 0) ? 0 : over.st_mtime;
}

static void remove_journal(const char *path)
{
    struct dirent *entry;
    DIR *files = opendir(path);
    while (files && (entry = readdir(files)))
        unlinkat(dirfd(files), entry->d_name, 0);
    if (files)
        closedir(files);
    rmdir(path);
}

/* Whether nobody will ask for it: the source's, or the destination's once both have agreed. */
static bool is_closed(int directory, const char *name)
{
    const char *end = strrchr(name, '.');
    return (end && strcmp(end, ".source") == 0) || faccessat(directory, "agreed", F_OK, 0) == 0;
}

/* Counts the finished migrations of one kind; *oldest_r is the one finished first. */
static unsigned int find_oldest(bool closed, char oldest_r[PATH_MAX])
{
    struct dirent *entry;
    unsigned int count = 0;
    time_t earliest = 0;
    DIR *all = opendir(domm_journals_directory);
    while (all && (entry = readdir(all))) {
        int fd = entry->d_name[0] == '.'
                     ? -1
                     : openat(dirfd(all), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        time_t over = fd >= 0 && is_closed(fd, entry->d_name) == closed ? time_over(fd) : 0;
        if (fd >= 0)
            close(fd);
        count += over != 0;
        if (over && (!earliest || over < earliest)) {
            earliest = over;
            snprintf(oldest_r, PATH_MAX, "%s/%s", domm_journals_directory, entry->d_name);
        }
    }
    if (all)
        closedir(all);
    return count;
}

static void journal_prune(void)
{
    char oldest[PATH_MAX];
    if (find_oldest(true, oldest) > KEPT)
        remove_journal(oldest);
    if (find_oldest(false, oldest) > KEPT_OPEN)
        remove_journal(oldest);
}

/* On the disk: the fact that the guests ran here outlives the host. */
static void put_marker(struct domm_journal *journal, const char *name)
{
    char path[PATH_MAX];
    struct domm_error ignored;
    if ((size_t)snprintf(path, sizeof(path), "%s/%s", journal->path, name) < sizeof(path))
        (void)domm_file_replace(path, "", 0, &ignored);
}

void domm_journal_finish(struct domm_journal *journal)
{
    static const char *const recovery_only[] = {DOMM_JOURNAL_STATE, DOMM_JOURNAL_MONITOR,
                                                DOMM_JOURNAL_RECORD};
    if (!journal)
        return;
    put_marker(journal, "over");
    for (size_t i = 0; i < sizeof(recovery_only) / sizeof(*recovery_only); i++)
        unlinkat(journal->directory, recovery_only[i], 0);
    journal_prune();
}

void domm_journal_agree(struct domm_journal *journal)
{
    if (journal)
        put_marker(journal, "agreed");
}

void domm_journal_close(struct domm_journal *journal)
{
    if (!journal)
        return;
    if (journal->file >= 0)
        close(journal->file);
    if (journal->directory >= 0)
        close(journal->directory);
    free(journal);
}

const char *domm_journal_path(const struct domm_journal *journal)
{
    return journal ? journal->path : domm_journals_directory;
}

/* Writes one line by one write(2). */
int domm_journal_note(struct domm_journal *journal, const char *what, struct json_object *object,
                      struct domm_error *err)
{
    cleanup_json struct json_object *line = object;
    char time[DOMM_TIMESTAMP];
    struct timespec now;
    char *text = NULL;
    if (!journal)
        return 0;
    clock_gettime(CLOCK_REALTIME, &now);
    domm_timestamp(&now, time);
    domm_json_text(line, "time", time);
    domm_json_text(line, "what", what);
    int length = asprintf(&text, "%s\n",
                          json_object_to_json_string_ext(line, JSON_C_TO_STRING_PLAIN |
                                                                   JSON_C_TO_STRING_NOSLASHESCAPE));
    if (length < 0)
        return domm_no_memory(err);
    int reason = domm_write_all(journal->file, text, (size_t)length);
    free(text);
    return reason ? domm_fail_errno(err, DOMM_FAILED, reason, "writing the journal in %s",
                                    journal->path)
                  : 0;
}

int domm_journal_decide(struct domm_journal *journal, const char *what, struct domm_error *err)
{
    int rc = domm_journal_note(journal, what, json_object_new_object(), err);
    if (rc || !journal || fsync(journal->file) == 0)
        return rc;
    return domm_fail_errno(err, DOMM_FAILED, errno, "writing the journal in %s", journal->path);
}

int domm_journal_state(struct domm_journal *journal, enum domm_migration_state state,
                       struct domm_error *err)
{
    struct json_object *line = json_object_new_object();
    domm_json_text(line, "state", domm_migration_state_word(state));
    return domm_journal_note(journal, "state", line, err);
}

int domm_journal_step(struct domm_journal *journal, const char *what, enum domm_step step,
                      unsigned int guest, struct domm_error *err)
{
    struct json_object *line = json_object_new_object();
    domm_json_text(line, "step", domm_steps[step].name);
    domm_json_number(line, "guest", guest);
    return domm_journal_note(journal, what, line, err);
}

int domm_journal_keep(struct domm_journal *journal, const char *name, const void *bytes,
                      size_t size, struct domm_error *err)
{
    if (!journal)
        return 0;
    char path[PATH_MAX];
    if ((size_t)snprintf(path, sizeof(path), "%s/%s", journal->path, name) >= sizeof(path))
        return domm_fail(err, DOMM_FAILED, "%s/%s: the path is too long", journal->path, name);
    return domm_file_replace_unsynced(path, bytes, size, err);
}

int domm_journal_drop(struct domm_journal *journal, const char *name, struct domm_error *err)
{
    if (!journal)
        return 0;
    if (unlinkat(journal->directory, name, 0) && errno != ENOENT)
        return domm_fail_errno(err, DOMM_FAILED, errno, "removing %s/%s", journal->path, name);
    return 0;
}
