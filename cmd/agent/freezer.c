/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/agent/freezer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/agent/ping.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"

#define FROZEN_NODE "domm/agent/frozen"
#define CGROUPS "/sys/fs/cgroup"
#define MANAGER "init.scope" /* systemd itself, which restarts the agent if it ends */

/* A program that waits for an unreachable file server cannot be frozen. */
#define PATIENCE_MS 3000
/* After this time dom0 is assumed to have died. The guest's clock stops while it is suspended. */
#define LIMIT_MS 120000
/* A server that is that slow would keep the targets stopped for longer than the agent gains. */
#define IDLE_PATIENCE_MS 500
#define LOOK_MS 100 /* if no event comes */

static bool read_word(const char *directory, const char *file, char *text, size_t size)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", directory, file);
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, text, size - 1);
    text[got > 0 ? got : 0] = '\0';
    return got > 0;
}

static int write_word(const char *directory, const char *text)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/cgroup.freeze", directory);
    cleanup_fd int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

/* Groups that another program has frozen are not recorded, so that the agent does not thaw them. */
static void freeze_one(const char *directory, FILE *list)
{
    char text[8];
    if (!read_word(directory, "cgroup.freeze", text, sizeof(text)) || text[0] != '0')
        return;
    fprintf(list, "%s\n", directory);
    if (fflush(list) == 0)
        write_word(directory, "1");
}

static void freeze_others(const char *directory, const char *own, FILE *list)
{
    DIR *entries = opendir(directory);
    struct dirent *entry;
    while (entries && (entry = readdir(entries))) {
        char path[PATH_MAX];
        if (entry->d_type != DT_DIR || entry->d_name[0] == '.' || strcmp(entry->d_name, own) == 0 ||
            strcmp(entry->d_name, MANAGER) == 0)
            continue;
        if (snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name) < (int)sizeof(path))
            freeze_one(path, list);
    }
    if (entries)
        closedir(entries);
}

int freezer_freeze(const char *root, const char *own, const char *list)
{
    char way[PATH_MAX], directory[PATH_MAX];
    FILE *stream = fopen(list, "ae");
    if (!stream)
        return -errno;
    snprintf(way, sizeof(way), "%s", own);
    snprintf(directory, sizeof(directory), "%s", root);
    char *rest = way;
    for (char *part = strtok_r(way, "/", &rest); part; part = strtok_r(NULL, "/", &rest)) {
        freeze_others(directory, part, stream);
        size_t used = strlen(directory);
        snprintf(directory + used, sizeof(directory) - used, "/%s", part);
    }
    fclose(stream);
    return 0;
}

/* Calls `look` for each line. Returns false if a call did, or if the list cannot be read. */
static bool each(const char *list, bool (*look)(const char *directory, void *context),
                 void *context)
{
    char line[PATH_MAX];
    FILE *stream = fopen(list, "re");
    if (!stream)
        return errno == ENOENT;
    bool all = true;
    while (fgets(line, sizeof(line), stream)) {
        line[strcspn(line, "\n")] = '\0';
        all &= look(line, context);
    }
    fclose(stream);
    return all;
}

/* A group that no longer exists counts as frozen. */
static bool is_frozen(const char *directory, void *context)
{
    (void)context;
    char text[128];
    return !read_word(directory, "cgroup.events", text, sizeof(text)) || strstr(text, "frozen 1");
}

bool freezer_is_done(const char *list)
{
    return each(list, is_frozen, NULL);
}

static bool thaw_one(const char *directory, void *context)
{
    (void)context;
    int rc = write_word(directory, "0");
    return rc == 0 || rc == -ENOENT || rc == -ENODEV;
}

bool freezer_thaw(const char *list)
{
    return each(list, thaw_one, NULL) && (unlink(list) == 0 || errno == ENOENT);
}

void freezer_open(struct freezer *freezer, struct domm_store *store, struct domm_log *log)
{
    *freezer = (struct freezer){.store = store,
                                .log = log,
                                .seen = true,
                                .changes = inotify_init1(IN_CLOEXEC | IN_NONBLOCK)};
}

void freezer_close(struct freezer *freezer)
{
    freezer_thaw(FREEZER_LIST);
    domm_cleanup_fd(&freezer->changes);
}

/* A group that is watched already is not watched twice; without a watch it is looked at now and
 * then. */
static bool watch_one(const char *directory, void *freezer)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof(path), "%s/cgroup.events", directory) < (int)sizeof(path))
        inotify_add_watch(((struct freezer *)freezer)->changes, path, IN_MODIFY);
    return true;
}

/* Only cgroup version 2 has a line that begins like this. */
static int freezer_start_freezing(void)
{
    char own[PATH_MAX];
    if (!read_word("/proc/self", "cgroup", own, sizeof(own)) || strncmp(own, "0::", 3) != 0)
        return -ENOTSUP;
    own[strcspn(own, "\n")] = '\0';
    return freezer_freeze(CGROUPS, own + 3, FREEZER_LIST);
}

/* If nothing was frozen, dom0 gets no answer and logs a warning. */
static void freezer_begin(struct freezer *freezer)
{
    int rc = freezer_start_freezing();
    each(FREEZER_LIST, watch_one, freezer);
    freezer->freezing = true;
    freezer->ending = freezer->complete = false;
    freezer->answered = rc != 0;
    freezer->since_ms = domm_now_ms();
    if (rc)
        domm_log(freezer->log, DOMM_LOG_WARN, "cannot freeze the programs of this guest: %s",
                 strerror(-rc));
}

/* Groups that cannot be thawed now are tried again in the next step. */
static void end(struct freezer *freezer)
{
    freezer->freezing = freezer->ending = !freezer_thaw(FREEZER_LIST);
}

static void drop_changes(struct freezer *freezer)
{
    char events[4096];
    while (read(freezer->changes, events, sizeof(events)) > 0)
        ;
}

/* The changes are dropped before the groups are looked at, so that none is missed. */
void freezer_answer(struct freezer *freezer, bool idle)
{
    struct domm_error err;
    drop_changes(freezer);
    if (!freezer->freezing || freezer->answered)
        return;
    int64_t waited_ms = domm_now_ms() - freezer->since_ms;
    if (!idle && waited_ms < IDLE_PATIENCE_MS)
        return;
    freezer->complete = freezer_is_done(FREEZER_LIST);
    if (!freezer->complete) {
        if (waited_ms < PATIENCE_MS)
            return;
        domm_log(freezer->log, DOMM_LOG_WARN,
                 "some programs are not frozen yet; the suspend may fail");
    }
    freezer->answered = true;
    if (domm_store_write(freezer->store, FROZEN_NODE, freezer->word, &err))
        domm_log(freezer->log, DOMM_LOG_WARN, "telling dom0 that the programs are frozen: %s",
                 err.text);
}

static void freezer_look(struct freezer *freezer)
{
    cleanup_free char *word = NULL;
    struct domm_error err;
    freezer->seen = false;
    bool wanted =
        domm_store_read(freezer->store, FREEZE_NODE, &word, &err) == 0 && ping_text_fits(word);
    if (!wanted && freezer->freezing) {
        end(freezer);
    } else if (wanted && strcmp(word, freezer->word) != 0) {
        snprintf(freezer->word, sizeof(freezer->word), "%s", word);
        freezer_begin(freezer);
    }
}

int64_t freezer_step(struct freezer *freezer)
{
    if (freezer->seen)
        freezer_look(freezer);
    else if (freezer->ending)
        end(freezer);
    if (freezer->freezing && domm_now_ms() - freezer->since_ms > LIMIT_MS) {
        domm_log(freezer->log, DOMM_LOG_WARN,
                 "dom0 has not thawed the programs in time; thawing them");
        end(freezer);
    }
    return freezer->freezing ? LOOK_MS : -1;
}
