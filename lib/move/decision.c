/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/move/decision.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/place.h"

#define PATH_BYTES 256

static const char restart[] = "restart", force[] = "force";

static void path_of(const struct domm_uuid *domm, char path_r[PATH_BYTES])
{
    char uuid[DOMM_UUID_TEXT];
    domm_uuid_format(domm, uuid);
    snprintf(path_r, PATH_BYTES, "%s/decision-%s", domm_run_directory, uuid);
}

/* In one write, so that whoever reads it reads all of it or nothing. */
int domm_decision_leave(const struct domm_uuid *domm, enum domm_event_type decided,
                        struct domm_error *err)
{
    char path[PATH_BYTES];
    const char *word = decided == DOMM_EVENT_FORCE ? force : restart;
    path_of(domm, path);
    cleanup_fd int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, word, strlen(word)) != (ssize_t)strlen(word))
        return domm_fail_errno(err, DOMM_FAILED, errno, "writing %s", path);
    return 0;
}

bool domm_decision_take(const struct domm_uuid *domm, enum domm_event_type *decided_r)
{
    char path[PATH_BYTES], word[16] = "";
    path_of(domm, path);
    cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, word, sizeof(word) - 1) <= 0)
        return false;
    unlink(path);
    *decided_r = strcmp(word, force) == 0 ? DOMM_EVENT_FORCE : DOMM_EVENT_RESTART;
    return strcmp(word, force) == 0 || strcmp(word, restart) == 0;
}
