/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A relay that cannot drop its privileges ends. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/migrate/transport/relay.h"

static int fails; /* which call does: 1 setgroups, 2 setresgid, 3 setresuid */
static unsigned long mapped_users = UINT32_MAX;

uid_t __wrap_geteuid(void);
uid_t __wrap_geteuid(void)
{
    return 0;
}

int __wrap_setgroups(size_t count, const gid_t *groups);
int __wrap_setgroups(size_t count, const gid_t *groups)
{
    (void)count;
    (void)groups;
    errno = EPERM;
    return fails == 1 ? -1 : 0;
}

int __wrap_setresgid(gid_t real, gid_t effective, gid_t saved);
int __wrap_setresgid(gid_t real, gid_t effective, gid_t saved)
{
    assert_true(real && effective && saved);
    errno = EINVAL;
    return fails == 2 ? -1 : 0;
}

int __wrap_setresuid(uid_t real, uid_t effective, uid_t saved);
int __wrap_setresuid(uid_t real, uid_t effective, uid_t saved)
{
    assert_true(real && effective && saved);
    errno = EINVAL;
    return fails == 3 ? -1 : 0;
}

/* The map of users of the namespace. */
FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode)
{
    static char text[64];
    (void)mode;
    assert_string_equal(path, "/proc/self/uid_map");
    snprintf(text, sizeof(text), "0 0 %lu\n", mapped_users);
    return fmemopen(text, strlen(text), "r");
}

/* In a child, which is confined for good. */
static bool confines(void)
{
    int status;
    pid_t child = fork();
    if (child == 0) {
        struct domm_error err;
        _exit(domm_relay_confine(&err) ? 1 : 0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status) == 0;
}

static void a_relay_that_stays_root_ends(void **state)
{
    (void)state;
    mapped_users = UINT32_MAX;
    for (fails = 1; fails <= 3; fails++)
        assert_false(confines());
    fails = 0;
    assert_true(confines());
}

/* A namespace may lack the user, and its root is nobody outside. */
static void in_a_user_namespace_it_need_not(void **state)
{
    (void)state;
    mapped_users = 65536;
    for (fails = 0; fails <= 3; fails++)
        assert_true(confines());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_relay_that_stays_root_ends),
        cmocka_unit_test(in_a_user_namespace_it_need_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
