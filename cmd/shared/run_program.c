/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/shared/run_program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/base/process.h"

#define MAX_SAID 1024
#define MAX_ENVIRONMENT 256

/* posix_spawn takes strings that it does not change. */
union words {
    const char *const *in;
    char *const *out;
};

static int run_program_spawn(const char *const arguments[], const char *const environment[],
                             int said, pid_t *pid_r)
{
    const char *all[MAX_ENVIRONMENT + 1] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"};
    size_t n = 2;
    for (; environment && *environment; environment++) {
        if (n == MAX_ENVIRONMENT)
            return E2BIG;
        all[n++] = *environment;
    }
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, defaults;
    sigemptyset(&none);
    sigfillset(&defaults);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    /* A process group of its own: mount(8) runs mount.nfs(8), and both must be killed. */
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                              POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, said, 2);
    const union words argv = {.in = arguments}, envp = {.in = all};
    int rc = posix_spawn(pid_r, arguments[0], &actions, &attributes, argv.out, envp.out);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return rc;
}

/* What a process said on its standard error. */
struct said {
    int fd; /* -1: closed by all writers */
    size_t used;
    char text[MAX_SAID];
};

static void hear(struct said *said)
{
    char bytes[256];
    ssize_t got = read(said->fd, bytes, sizeof(bytes));
    if (got < 0 && errno == EINTR)
        return;
    if (got <= 0) {
        said->fd = -1;
        return;
    }
    size_t room = MAX_SAID - 1 - said->used;
    size_t part = (size_t)got < room ? (size_t)got : room;
    memcpy(said->text + said->used, bytes, part);
    said->used += part;
    said->text[said->used] = '\0';
}

/* Listens until the process has ended; false if the time is over first. Who else has its standard
 * error, such as a process that it leaves behind, is not waited for. */
static bool await_program(int pidfd, struct said *said, int64_t end)
{
    for (;;) {
        struct pollfd fds[] = {{.fd = pidfd, .events = POLLIN}, {.fd = said->fd, .events = POLLIN}};
        int64_t rest = end - domm_now_ms();
        if (rest <= 0 || (poll(fds, 2, (int)rest) < 0 && errno != EINTR))
            return false;
        if (fds[0].revents && (!fds[1].revents || said->used == MAX_SAID - 1))
            return true;
        if (fds[1].revents)
            hear(said);
    }
}

static const char *last_line(char *text)
{
    size_t length = strlen(text);
    while (length && (text[length - 1] == '\n' || text[length - 1] == ' '))
        text[--length] = '\0';
    const char *line = strrchr(text, '\n');
    return line ? line + 1 : text;
}

int run_program(const char *const arguments[], const char *const environment[], int timeout_s,
                struct domm_error *err)
{
    int pipes[2];
    pid_t pid;
    if (pipe2(pipes, O_CLOEXEC))
        return domm_fail_errno(err, DOMM_FAILED, errno, "creating a pipe");
    cleanup_fd int reader = pipes[0];
    struct said said = {.fd = reader};
    int rc = run_program_spawn(arguments, environment, pipes[1], &pid);
    close(pipes[1]);
    if (rc)
        return domm_fail_errno(err, DOMM_FAILED, rc, "running %s", arguments[0]);
    cleanup_fd int pidfd = pidfd_open(pid, 0);
    bool ended =
        pidfd >= 0 && await_program(pidfd, &said, domm_now_ms() + (int64_t)timeout_s * 1000);
    if (!ended)
        kill(-pid, SIGKILL); /* its children too, which cannot be waited for */
    int status = domm_process_await(pid);
    if (!ended)
        return domm_fail(err, DOMM_ABORTED, "%s did not end within %d s", arguments[0], timeout_s);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    const char *why = last_line(said.text);
    if (*why)
        return domm_fail(err, DOMM_FAILED, "%s", why);
    return domm_fail(err, DOMM_FAILED, "%s failed without a message", arguments[0]);
}
