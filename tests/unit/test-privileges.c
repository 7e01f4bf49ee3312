/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Giving up privileges. */
#include "tests/unit/unit.h"

#include <stdbool.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/privileges.h"

/* What the function returns in a process of its own, which it spoils. */
static int in_child(int (*function)(void))
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(function());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int end_all(void)
{
    struct domm_error err = {0};
    struct rlimit core;
    cap_t caps;
    if (domm_privileges_end(&err))
        return 1;
    caps = cap_get_proc();
    for (cap_value_t cap = 0; CAP_IS_SUPPORTED(cap); cap++) {
        cap_flag_value_t effective, permitted;
        if (cap_get_flag(caps, cap, CAP_EFFECTIVE, &effective) ||
            cap_get_flag(caps, cap, CAP_PERMITTED, &permitted) || effective || permitted ||
            cap_get_bound(cap))
            return 2;
    }
    cap_free(caps);
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
        return 3;
    return getrlimit(RLIMIT_CORE, &core) || core.rlim_max ? 4 : 0;
}

static int lessen(void)
{
    struct domm_error err = {0};
    cap_flag_value_t flag;
    if (domm_privileges_lessen(&err))
        return 1;
    cap_t caps = cap_get_proc();
    if (cap_get_flag(caps, CAP_SYS_PTRACE, CAP_EFFECTIVE, &flag) || flag ||
        cap_get_bound(CAP_SYS_PTRACE) || cap_get_bound(CAP_SYS_RAWIO))
        return 2;
    /* What hotplug scripts do. */
    if (cap_get_flag(caps, CAP_NET_ADMIN, CAP_EFFECTIVE, &flag) || !flag ||
        !cap_get_bound(CAP_SYS_ADMIN))
        return 3;
    cap_free(caps);
    return 0;
}

/* A user without these capabilities, or root of a container, has nothing to drop. */
static bool has_all(void)
{
    return geteuid() == 0 && cap_get_bound(CAP_SYS_ADMIN) == 1 && cap_get_bound(CAP_SETPCAP) == 1;
}

static void nothing_is_left_to_a_saver(void **state)
{
    (void)state;
    assert_true(!has_all() || in_child(end_all) == 0);
}

static void a_receiver_keeps_what_scripts_need(void **state)
{
    (void)state;
    assert_true(!has_all() || in_child(lessen) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_left_to_a_saver),
        cmocka_unit_test(a_receiver_keeps_what_scripts_need),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
