/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/migrate/journal/hold_override.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/paths.h"

#define PATH_BYTES 256

static const char restart[] = "restart", force[] = "force";

static void hold_override_path_of(const struct domm_uuid *monitor, char path_r[PATH_BYTES])
{
    char uuid[DOMM_UUID_TEXT];
    domm_uuid_format(monitor, uuid);
    snprintf(path_r, PATH_BYTES, "%s/decision-%s", domm_run_directory, uuid);
}

int domm_hold_override_write(const struct domm_uuid *monitor, enum domm_event_type decided,
                             struct domm_error *err)
{
    char path[PATH_BYTES];
    const char *word = decided == DOMM_EVENT_FORCE ? force : restart;
    hold_override_path_of(monitor, path);
    return domm_file_replace(path, word, strlen(word), err);
}

bool domm_hold_override_take(const struct domm_uuid *monitor, enum domm_event_type *decided_r)
{
    char path[PATH_BYTES], word[16] = "";
    hold_override_path_of(monitor, path);
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, word, sizeof(word) - 1) <= 0)
        return false;
    unlink(path);
    *decided_r = strcmp(word, force) == 0 ? DOMM_EVENT_FORCE : DOMM_EVENT_RESTART;
    return strcmp(word, force) == 0 || strcmp(word, restart) == 0;
}
