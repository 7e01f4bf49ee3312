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
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/clock.h"

#define MAX_SAID 1024
#define MAX_ENVIRONMENT 256
#define KILLED_MS 5000

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

/* Reads its standard error until it is closed, when the program and its children have ended.
 * Returns false if the time is over first. */
static bool listen_to(int fd, int64_t end, char said_r[MAX_SAID])
{
    size_t used = 0;
    said_r[0] = '\0';
    for (;;) {
        char bytes[256];
        int64_t rest = end - domm_now_ms();
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        if (rest <= 0 || (poll(&wait, 1, (int)rest) < 0 && errno != EINTR))
            return false;
        ssize_t got = wait.revents ? read(fd, bytes, sizeof(bytes)) : 1;
        if (got <= 0)
            return got == 0;
        if (!wait.revents)
            continue;
        size_t room = MAX_SAID - 1 - used;
        size_t part = (size_t)got < room ? (size_t)got : room;
        memcpy(said_r + used, bytes, part);
        used += part;
        said_r[used] = '\0';
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
    int pipes[2], status = 0;
    pid_t pid;
    char said[MAX_SAID];
    if (pipe2(pipes, O_CLOEXEC))
        return domm_fail_errno(err, DOMM_FAILED, errno, "creating a pipe");
    cleanup_fd int reader = pipes[0];
    int rc = run_program_spawn(arguments, environment, pipes[1], &pid);
    close(pipes[1]);
    if (rc)
        return domm_fail_errno(err, DOMM_FAILED, rc, "running %s", arguments[0]);
    bool ended = listen_to(reader, domm_now_ms() + (int64_t)timeout_s * 1000, said);
    if (!ended) {
        kill(-pid, SIGKILL);
        listen_to(reader, domm_now_ms() + KILLED_MS, said); /* its children cannot be waited for */
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (!ended)
        return domm_fail(err, DOMM_ABORTED, "%s did not end within %d s", arguments[0], timeout_s);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    const char *why = last_line(said);
    if (*why)
        return domm_fail(err, DOMM_FAILED, "%s", why);
    return domm_fail(err, DOMM_FAILED, "%s failed without a message", arguments[0]);
}
