/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/process.h"

/* The linker puts this in place of kill(2), which takes 0 for the caller's process group and -1 for
 * every process. */
int __real_kill(pid_t pid, int signal);
int __wrap_kill(pid_t pid, int signal);
int __wrap_kill(pid_t pid, int signal)
{
    if (pid <= 0)
        fail_msg("kill(%d)", (int)pid);
    return __real_kill(pid, signal);
}

static pid_t child_that_exits(int code)
{
    pid_t pid = fork();
    if (pid == 0) {
        usleep(50000);
        _exit(code);
    }
    assert_true(pid > 0);
    return pid;
}

static pid_t child_that_stays(void)
{
    pid_t pid = fork();
    while (pid == 0)
        pause();
    assert_true(pid > 0);
    return pid;
}

static void the_status_is_the_childs(void **state)
{
    (void)state;
    int status = domm_process_await(child_that_exits(7));
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    status = domm_process_end(child_that_exits(8), 60000);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 8);
}

static void a_child_that_stays_is_killed_and_reaped(void **state)
{
    (void)state;
    pid_t pid = child_that_stays();
    domm_process_kill(pid);
    assert_int_equal(kill(pid, 0), -1);
    assert_int_equal(errno, ESRCH);
    int status = domm_process_end(child_that_stays(), 10);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void nobody_is_killed_for_no_child(void **state)
{
    (void)state;
    domm_process_kill(0);
    domm_process_kill(-1);
    assert_int_equal(domm_process_end(0, 10), -1);
    assert_int_equal(domm_process_end(-1, 10), -1);
    assert_int_equal(domm_process_await(getpid()), -1);
    assert_int_equal(domm_process_end(getpid(), 10), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_status_is_the_childs),
        cmocka_unit_test(a_child_that_stays_is_killed_and_reaped),
        cmocka_unit_test(nobody_is_killed_for_no_child),
    };
    return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
