/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/dommd/background.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/file.h"

/* An error with the code 0 is none. */
static int wait_for_child(int fd, struct domm_error *err)
{
    size_t got = 0;
    ssize_t n;
    while ((n = read(fd, (char *)err + got, sizeof(*err) - got)) > 0)
        got += (size_t)n;
    close(fd);
    if (got != sizeof(*err))
        return domm_fail(err, DOMM_FAILED, "dommd ended while it started");
    if (!err->code)
        _exit(0);
    return -(int)err->code;
}

int background_begin(int *waiting_r, struct domm_error *err)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC))
        return domm_fail_errno(err, DOMM_FAILED, errno, "starting in the background");
    pid_t pid = fork();
    if (pid < 0)
        return domm_fail_errno(err, DOMM_FAILED, errno, "starting in the background");
    close(ends[pid ? 1 : 0]);
    if (pid)
        return wait_for_child(ends[0], err);
    *waiting_r = ends[1];
    setsid();
    return 0;
}

static void tell(int *waiting, const struct domm_error *err)
{
    if (*waiting < 0)
        return;
    domm_write_all(*waiting, err, sizeof(*err));
    close(*waiting);
    *waiting = -1;
}

void background_started(int *waiting)
{
    const struct domm_error none = {0};
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (*waiting < 0)
        return;
    for (int fd = 0; null >= 0 && fd < 3; fd++)
        dup2(null, fd);
    close(null);
    tell(waiting, &none);
}

void background_failed(int *waiting, const struct domm_error *err)
{
    tell(waiting, err);
}
