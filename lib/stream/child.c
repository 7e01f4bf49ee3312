/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/stream/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/process.h"

/* Above the numbers that the child moves its descriptors to, so that none is overwritten on the
 * way. */
#define SPARE_FD 10

/* Only the parent acts on the terminal's signals, and on SIGUSR1, which may be sent to all
 * processes of this name; a broken pipe is a write error. */
static void reset_signals(void)
{
    static const int ignored[] = {SIGINT, SIGQUIT, SIGHUP, SIGPIPE, SIGUSR1};
    static const int ordinary[] = {SIGTERM, SIGCHLD, SIGALRM, SIGUSR2, SIGWINCH};
    sigset_t none;
    for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
        signal(ignored[i], SIG_IGN);
    for (size_t i = 0; i < sizeof(ordinary) / sizeof(ordinary[0]); i++)
        signal(ordinary[i], SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Closes the parent's other descriptors, ssh's pipes among them: the child would keep them open. */
static int take_descriptors(const int *fds, int count)
{
    int high[1 + DOMM_CHILD_MAX_FDS];
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int i = 0; i <= count; i++) {
        high[i] = fcntl(i ? fds[i - 1] : null, F_DUPFD_CLOEXEC, SPARE_FD);
        if (high[i] < 0)
            return -1;
    }
    if (dup2(high[0], STDIN_FILENO) < 0 || dup2(high[0], STDOUT_FILENO) < 0)
        return -1;
    for (int i = 0; i < count; i++) {
        if (dup3(high[1 + i], DOMM_CHILD_CONTROL + i, O_CLOEXEC) < 0)
            return -1;
    }
    return close_range((unsigned int)(DOMM_CHILD_CONTROL + count), ~0u, 0);
}

int domm_child_enter(pid_t parent, const int *fds, int count, struct domm_error *err)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
        return domm_fail(err, DOMM_FAILED, "the parent process has gone");
    reset_signals();
    if (take_descriptors(fds, count))
        return domm_fail_errno(err, DOMM_FAILED, errno, "setting up a process");
    return 0;
}

static void report_failure(int control, const struct domm_error *err)
{
    struct domm_error ignored;
    struct domm_progress progress = {.kind = DOMM_PROGRESS_FAILED, .code = err->code};
    snprintf(progress.text, sizeof(progress.text), "%.*s", (int)sizeof(progress.text) - 1,
             err->text);
    domm_child_report(control, &progress, &ignored);
}

/* Until the descriptors are in place, every number except `control` may be in use by the
 * parent's. */
static _Noreturn void child_main(struct domm_xen *xen, pid_t parent, int control, int stream,
                                 domm_child_run run, void *context)
{
    struct domm_error err = {0};
    const int fds[] = {control, stream};
    domm_xen_forked(xen);
    int rc = domm_child_enter(parent, fds, 2, &err);
    if (!rc) {
        control = DOMM_CHILD_CONTROL;
        rc = run(context, control, &err);
    }
    if (rc)
        report_failure(control, &err);
    _exit(rc ? 1 : 0);
}

int domm_child_start(struct domm_xen *xen, int stream, domm_child_run run, void *context,
                     struct domm_child *child_r, struct domm_error *err)
{
    int ends[2];
    pid_t parent = getpid();
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
        return domm_fail_errno(err, DOMM_FAILED, errno, "creating a socket pair");
    pid_t pid = fork();
    if (pid == 0)
        child_main(xen, parent, ends[1], stream, run, context);
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return domm_fail_errno(err, DOMM_FAILED, errno, "starting a process");
    }
    *child_r = (struct domm_child){.pid = pid, .control = ends[0]};
    return 0;
}

int domm_child_command(const struct domm_child *child, enum domm_command command,
                       struct domm_error *err)
{
    const uint32_t word = command;
    if (send(child->control, &word, sizeof(word), MSG_NOSIGNAL) == sizeof(word))
        return 0;
    return domm_fail_errno(err, DOMM_FAILED, errno, "writing to a saver or receiver");
}

/* Returns 1 if there is input or the end of input; 0 at the timeout. */
static int wait_readable(int fd, int timeout_ms)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    int ready;
    do
        ready = poll(&poll_fd, 1, timeout_ms);
    while (ready < 0 && errno == EINTR && timeout_ms < 0);
    return ready > 0;
}

int domm_child_receive(const struct domm_child *child, int timeout_ms,
                       struct domm_progress *progress_r, struct domm_error *err)
{
    *progress_r = (struct domm_progress){.kind = DOMM_PROGRESS_NONE};
    if (!wait_readable(child->control, timeout_ms))
        return 0;
    struct domm_progress progress;
    ssize_t size = recv(child->control, &progress, sizeof(progress), 0);
    /* The child has ended without reading a command; what it has reported follows. */
    if (size < 0 && errno == ECONNRESET)
        size = recv(child->control, &progress, sizeof(progress), 0);
    if (size == sizeof(progress)) {
        progress.text[sizeof(progress.text) - 1] = '\0';
        *progress_r = progress;
    } else if (size == 0 || (size < 0 && errno == ECONNRESET)) {
        progress_r->kind = DOMM_PROGRESS_ENDED;
    } else {
        return domm_fail(err, DOMM_FAILED, "reading from a saver or receiver");
    }
    return 0;
}

/* The child's end of the socket stays open until the child ends. */
static bool child_has_ended(const struct domm_child *child, int grace_ms)
{
    struct domm_error ignored;
    struct domm_progress progress = {.kind = DOMM_PROGRESS_NONE};
    uint64_t end = domm_now_ns() + (uint64_t)grace_ms * 1000000u;
    uint64_t now = domm_now_ns();
    while (progress.kind != DOMM_PROGRESS_ENDED && now < end) {
        if (domm_child_receive(child, (int)((end - now) / 1000000u) + 1, &progress, &ignored))
            return false;
        now = domm_now_ns();
    }
    return progress.kind == DOMM_PROGRESS_ENDED;
}

void domm_child_end(struct domm_child *child, int grace_ms)
{
    struct domm_error ignored;
    if (child->pid <= 0)
        return;
    domm_child_command(child, DOMM_COMMAND_ABORT, &ignored);
    if (!child_has_ended(child, grace_ms))
        kill(child->pid, SIGKILL);
    domm_process_await(child->pid);
    close(child->control);
    *child = (struct domm_child){.control = -1};
}

int domm_child_report(int control, struct domm_progress *progress, struct domm_error *err)
{
    progress->when_ns = domm_now_ns();
    if (send(control, progress, sizeof(*progress), MSG_NOSIGNAL) == sizeof(*progress))
        return 0;
    return domm_fail_errno(err, DOMM_ABORTED, errno, "the process of the migration has ended");
}

static bool hushed; /* in a child */

static int read_command(int control, int flags)
{
    uint32_t word;
    ssize_t size = recv(control, &word, sizeof(word), flags);
    if (size != sizeof(word) || word > DOMM_COMMAND_ABORT)
        return DOMM_COMMAND_ABORT;
    return (int)word;
}

int domm_child_next_command(int control, int timeout_ms)
{
    int command;
    do {
        if (!wait_readable(control, timeout_ms))
            return 0;
        command = read_command(control, 0);
        hushed |= command == DOMM_COMMAND_HUSH || command == DOMM_COMMAND_ABORT;
    } while (command == DOMM_COMMAND_HUSH);
    return command;
}

/* The command stays in the socket. */
bool domm_child_is_hushed(void)
{
    if (!hushed && wait_readable(DOMM_CHILD_CONTROL, 0)) {
        int command = read_command(DOMM_CHILD_CONTROL, MSG_PEEK);
        hushed = command == DOMM_COMMAND_HUSH || command == DOMM_COMMAND_ABORT;
    }
    return hushed;
}
