/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/base/process.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/pidfd.h>
#include <sys/wait.h>

#include "lib/base/cleanup.h"
#include "lib/base/poll.h"

int domm_process_await(pid_t pid)
{
    int status;
    pid_t ended;
    do
        ended = waitpid(pid, &status, 0);
    while (ended < 0 && errno == EINTR);
    return ended == pid ? status : -1;
}

void domm_process_kill(pid_t pid)
{
    if (pid <= 0)
        return;
    kill(pid, SIGKILL);
    domm_process_await(pid);
}

/* A process becomes readable when it ends (pidfd_open(2)). Without a descriptor the whole time is
 * waited for: one that is asked to end is not killed early. */
static void await_for(pid_t pid, int grace_ms)
{
    cleanup_fd int fd = pidfd_open(pid, 0);
    struct pollfd end = {.fd = fd, .events = POLLIN};
    domm_poll_until(&end, 1, domm_now_ms() + grace_ms);
}

/* What waitpid(2) does not know is no child, and is not killed: its PID may be another's. */
int domm_process_end(pid_t pid, int grace_ms)
{
    int status;
    if (pid <= 0)
        return -1;
    await_for(pid, grace_ms);
    pid_t ended = waitpid(pid, &status, WNOHANG);
    if (ended)
        return ended == pid ? status : -1;
    kill(pid, SIGKILL);
    return domm_process_await(pid);
}
