/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/dommd/ending_process.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/process.h"

static _Noreturn void run(const char *const *argv, int log)
{
    sigset_t none;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL); /* dommd's loop has blocked those that end it */
    setsid();
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    execvp(argv[0], (char *const *)(uintptr_t)argv); /* it changes none of them */
    _exit(127);
}

/* By a process in between, which ends at once: init reaps the one that is left. */
static int start(const char *const *argv, int log, struct domm_error *err)
{
    pid_t pid = fork();
    if (pid == 0) {
        pid = fork();
        if (pid == 0)
            run(argv, log);
        _exit(pid < 0);
    }
    return pid < 0 || domm_process_await(pid)
               ? domm_fail(err, DOMM_FAILED, "starting a process for a guest that has ended")
               : 0;
}

int ending_process_start(const struct domm_log *log, uint32_t domid, struct domm_error *err)
{
    char unit[48], number[16];
    const char *const by_systemd[] = {"systemctl", "--no-block", "start", unit, NULL};
    const char *const by_itself[] = {"/proc/self/exe", "--ending", number, NULL};
    snprintf(unit, sizeof(unit), "dommd-ending@%u.service", domid);
    snprintf(number, sizeof(number), "%u", domid);
    /* systemd.exec(5): set for the processes of a service. */
    return start(getenv("INVOCATION_ID") ? by_systemd : by_itself, fileno(log->stream), err);
}
