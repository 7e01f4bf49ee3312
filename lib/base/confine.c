/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/base/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

#define NOBODY 65534

/* In a user namespace, which may lack this user, root has no privileges outside of it. The initial
 * one maps every user to itself (user_namespaces(7)). */
static bool in_user_namespace(void)
{
    unsigned long inside = 0, outside = 0, count = 0;
    FILE *map = fopen("/proc/self/uid_map", "re");
    bool mapped = map && fscanf(map, "%lu %lu %lu", &inside, &outside, &count) == 3 &&
                  (inside || outside || count != UINT32_MAX);
    if (map)
        fclose(map);
    return mapped;
}

static bool become_nobody(void)
{
    return setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
           setresuid(NOBODY, NOBODY, NOBODY) == 0;
}

/* No capability but that one: what the process has not got it cannot keep. */
static void keep_low_ports(bool keep)
{
    static const cap_value_t low_ports[] = {CAP_NET_BIND_SERVICE};
    cap_t caps = cap_init();
    if (caps && keep) {
        cap_set_flag(caps, CAP_PERMITTED, 1, low_ports, CAP_SET);
        cap_set_flag(caps, CAP_EFFECTIVE, 1, low_ports, CAP_SET);
    }
    if (caps && cap_set_proc(caps) && cap_clear(caps) == 0)
        cap_set_proc(caps);
    cap_free(caps);
}

int domm_confine(rlim_t descriptors, bool low_ports, struct domm_error *err)
{
    const struct rlimit nothing = {0, 0};
    const struct rlimit few = {descriptors, descriptors};
    pid_t parent = getppid();
    bool nested = in_user_namespace();
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || setrlimit(RLIMIT_NOFILE, &few) ||
        setrlimit(RLIMIT_CORE, &nothing) || setrlimit(RLIMIT_NPROC, &nothing) ||
        prctl(PR_SET_KEEPCAPS, low_ports))
        return domm_fail_errno(err, DOMM_FAILED, errno, "dropping privileges");
    if (geteuid() == 0 && !become_nobody() && !nested)
        return domm_fail_errno(err, DOMM_FAILED, errno, "dropping privileges");
    keep_low_ports(low_ports);
    /* A change of the user clears the parent-death signal. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
        return domm_fail(err, DOMM_FAILED, "the parent process has gone");
    return 0;
}

int domm_confine_with(int kept, rlim_t descriptors, bool low_ports, struct domm_error *err)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int high = fcntl(kept, F_DUPFD_CLOEXEC, DOMM_CONFINED_FD + 1);
    if (null < 0 || high < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
        dup2(null, STDERR_FILENO) < 0 || dup3(high, DOMM_CONFINED_FD, O_CLOEXEC) < 0 ||
        close_range(DOMM_CONFINED_FD + 1, ~0u, 0))
        return domm_fail_errno(err, DOMM_FAILED, errno, "closing descriptors");
    return domm_confine(descriptors, low_ports, err);
}
