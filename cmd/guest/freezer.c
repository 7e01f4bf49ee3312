/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/guest/freezer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/guest/clock.h"
#include "cmd/guest/ping.h"
#include "lib/base/cleanup.h"

#define FROZEN_NODE "domm/agent/frozen"
#define CGROUPS "/sys/fs/cgroup"
#define MANAGER "init.scope" /* systemd itself: it restarts an agent that ends */

/* A program that waits for a file server that is gone does not come to rest. */
#define PATIENCE_MS 3000
/* After this, dom0 has forgotten about it. The guest's clock stands still while it is suspended. */
#define LIMIT_MS 120000
#define LOOK_MS 20
#define IDLE_MS 60000

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

/* What somebody else has frozen is not the agent's to thaw. */
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

/* Calls `look` for each line; false if it returned false, or the list cannot be read. */
static bool each(const char *list, bool (*look)(const char *directory))
{
    char line[PATH_MAX];
    FILE *stream = fopen(list, "re");
    if (!stream)
        return errno == ENOENT;
    bool all = true;
    while (fgets(line, sizeof(line), stream)) {
        line[strcspn(line, "\n")] = '\0';
        all &= look(line);
    }
    fclose(stream);
    return all;
}

/* One that is gone is at rest as well. */
static bool is_frozen(const char *directory)
{
    char text[128];
    return !read_word(directory, "cgroup.events", text, sizeof(text)) || strstr(text, "frozen 1");
}

bool freezer_is_done(const char *list)
{
    return each(list, is_frozen);
}

static bool thaw_one(const char *directory)
{
    int rc = write_word(directory, "0");
    return rc == 0 || rc == -ENOENT || rc == -ENODEV;
}

bool freezer_thaw(const char *list)
{
    return each(list, thaw_one) && (unlink(list) == 0 || errno == ENOENT);
}

void freezer_open(struct freezer *freezer, struct domm_store *store, struct domm_log *log)
{
    *freezer = (struct freezer){.store = store, .log = log, .seen = true};
}

/* Only version 2 has its line begin so. */
static int freeze(void)
{
    char own[PATH_MAX];
    if (!read_word("/proc/self", "cgroup", own, sizeof(own)) || strncmp(own, "0::", 3) != 0)
        return -ENOTSUP;
    own[strcspn(own, "\n")] = '\0';
    return freezer_freeze(CGROUPS, own + 3, FREEZER_LIST);
}

/* dom0 is told nothing if nothing was frozen: it warns then. */
static void begin(struct freezer *freezer)
{
    int rc = freeze();
    freezer->freezing = true;
    freezer->told = rc != 0;
    freezer->since_ms = now_ms();
    if (rc)
        domm_log(freezer->log, DOMM_LOG_WARN, "programs cannot be brought to rest: %s",
                 strerror(-rc));
}

/* What cannot be thawed now is tried again with the next step. */
static void end(struct freezer *freezer)
{
    freezer->freezing = !freezer_thaw(FREEZER_LIST);
}

static void tell(struct freezer *freezer)
{
    struct domm_error err;
    if (!freezer_is_done(FREEZER_LIST)) {
        if (now_ms() - freezer->since_ms < PATIENCE_MS)
            return;
        domm_log(freezer->log, DOMM_LOG_WARN, "not all programs have come to rest");
    }
    freezer->told = true;
    if (domm_store_write(freezer->store, FROZEN_NODE, freezer->word, &err))
        domm_log(freezer->log, DOMM_LOG_WARN, "telling dom0 that programs rest: %s", err.text);
}

static void look(struct freezer *freezer)
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
        begin(freezer);
    }
}

int64_t freezer_step(struct freezer *freezer)
{
    if (freezer->seen || freezer->freezing)
        look(freezer);
    if (freezer->freezing && now_ms() - freezer->since_ms > LIMIT_MS) {
        domm_log(freezer->log, DOMM_LOG_WARN, "dom0 has forgotten that programs rest");
        end(freezer);
    }
    if (freezer->freezing && !freezer->told)
        tell(freezer);
    return freezer->freezing ? LOOK_MS : IDLE_MS;
}
