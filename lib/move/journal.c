/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/move/journal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/log.h"
#include "lib/base/place.h"

#define KEPT 100 /* migrations that are over */

struct domm_journal {
    int directory, file;
    char path[PATH_MAX];
};

static int fail(struct domm_error *err, const char *doing, const char *what)
{
    return domm_fail_errno(err, DOMM_FAILED, errno, "%s %s", doing, what);
}

static int make_directory(const char *path, struct domm_error *err)
{
    if (mkdir(path, 0700) && errno != EEXIST)
        return fail(err, "making", path);
    return 0;
}

/* That a file is there is a fact of its directory. */
static int open_files(struct domm_journal *journal, struct domm_error *err)
{
    journal->directory = open(journal->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (journal->directory < 0)
        return fail(err, "opening", journal->path);
    journal->file =
        openat(journal->directory, "journal", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (journal->file < 0 || fsync(journal->directory))
        return fail(err, "making a journal in", journal->path);
    int parent = open(domm_journals_directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (parent < 0 || fsync(parent))
        fail(err, "writing", domm_journals_directory);
    else
        *err = (struct domm_error){.code = DOMM_OK};
    if (parent >= 0)
        close(parent);
    return -(int)err->code;
}

int domm_journal_begin(const struct domm_uuid *migration, bool source,
                       struct domm_journal **journal_r, struct domm_error *err)
{
    char uuid[DOMM_UUID_TEXT], path[PATH_MAX];
    domm_uuid_format(migration, uuid);
    snprintf(path, sizeof(path), "%s/%s.%s", domm_journals_directory, uuid,
             source ? "source" : "destination");
    int rc = make_directory(domm_state_directory, err);
    rc = rc ? rc : make_directory(domm_journals_directory, err);
    rc = rc ? rc : make_directory(path, err);
    return rc ? rc : domm_journal_resume(path, journal_r, err);
}

int domm_journal_resume(const char *path, struct domm_journal **journal_r, struct domm_error *err)
{
    struct domm_journal *journal = calloc(1, sizeof(*journal));
    if (!journal)
        return domm_no_memory(err);
    journal->directory = journal->file = -1;
    snprintf(journal->path, sizeof(journal->path), "%s", path);
    int rc = open_files(journal, err);
    if (rc)
        domm_journal_close(journal);
    else
        *journal_r = journal;
    return rc;
}

/* When it was over; 0 if it is not, as far as its directory tells. */
static time_t time_over(int directory)
{
    struct stat over;
    return fstatat(directory, "over", &over, 0) ? 0 : over.st_mtime;
}

static void remove_journal(const char *path)
{
    static const char *const names[] = {"journal", DOMM_JOURNAL_STATE, "report.json", "over"};
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (size_t i = 0; fd >= 0 && i < sizeof(names) / sizeof(names[0]); i++)
        unlinkat(fd, names[i], 0);
    if (fd >= 0)
        close(fd);
    rmdir(path);
}

/* How many are over; *oldest_r is the one that has been so for longest. */
static unsigned int find_oldest(char oldest_r[PATH_MAX])
{
    struct dirent *entry;
    unsigned int count = 0;
    time_t earliest = 0;
    DIR *all = opendir(domm_journals_directory);
    while (all && (entry = readdir(all))) {
        int fd = entry->d_name[0] == '.'
                     ? -1
                     : openat(dirfd(all), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        time_t over = fd >= 0 ? time_over(fd) : 0;
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

void domm_journal_finish(struct domm_journal *journal)
{
    char oldest[PATH_MAX];
    struct domm_error ignored;
    if (!journal)
        return;
    unlinkat(journal->directory, DOMM_JOURNAL_STATE, 0);
    domm_journal_keep(journal, "over", "", 0, &ignored);
    if (find_oldest(oldest) > KEPT)
        remove_journal(oldest);
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

/* 0, or errno. */
static int write_all(int fd, const char *bytes, size_t size)
{
    while (size) {
        ssize_t n = write(fd, bytes, size);
        if (n < 0 && errno != EINTR)
            return errno;
        bytes += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
    return fsync(fd) ? errno : 0;
}

/* One line, in one write. */
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
    int reason = write_all(journal->file, text, (size_t)length);
    free(text);
    return reason ? domm_fail_errno(err, DOMM_FAILED, reason, "writing the journal in %s",
                                    journal->path)
                  : 0;
}

int domm_journal_state(struct domm_journal *journal, enum domm_move_state state,
                       struct domm_error *err)
{
    struct json_object *line = json_object_new_object();
    domm_json_text(line, "state", domm_states[state].name);
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
    int fd = openat(journal->directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int reason = fd < 0 ? errno : write_all(fd, bytes, size);
    if (fd >= 0)
        close(fd);
    if (!reason && fsync(journal->directory))
        reason = errno;
    return reason ? domm_fail_errno(err, DOMM_FAILED, reason, "writing %s/%s", journal->path, name)
                  : 0;
}

int domm_journal_drop(struct domm_journal *journal, const char *name, struct domm_error *err)
{
    if (!journal)
        return 0;
    if ((unlinkat(journal->directory, name, 0) && errno != ENOENT) || fsync(journal->directory))
        return domm_fail_errno(err, DOMM_FAILED, errno, "removing %s/%s", journal->path, name);
    return 0;
}
