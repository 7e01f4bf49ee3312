/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/base/privileges.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static const cap_value_t needless[] = {
    CAP_AUDIT_CONTROL, CAP_AUDIT_READ, CAP_AUDIT_WRITE,        CAP_BLOCK_SUSPEND,
    CAP_LEASE,         CAP_MAC_ADMIN,  CAP_MAC_OVERRIDE,       CAP_SETFCAP,
    CAP_SYSLOG,        CAP_SYS_BOOT,   CAP_SYS_PACCT,          CAP_SYS_PTRACE,
    CAP_SYS_RAWIO,     CAP_SYS_TIME,   CAP_SYS_TTY_CONFIG,     CAP_WAKE_ALARM,
    CAP_PERFMON,       CAP_BPF,        CAP_CHECKPOINT_RESTORE,
};

static int refuse_more(struct domm_error *err)
{
    const struct rlimit nothing = {0, 0};
    if (setrlimit(RLIMIT_CORE, &nothing) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        return domm_fail_errno(err, DOMM_FAILED, errno, "dropping privileges");
    return 0;
}

int domm_privileges_end(struct domm_error *err)
{
    int rc = refuse_more(err);
    if (rc || geteuid() != 0)
        return rc;
    if (cap_set_mode(CAP_MODE_NOPRIV))
        return domm_fail_errno(err, DOMM_FAILED, errno, "dropping capabilities");
    return 0;
}

/* A capability that this kernel does not know has nothing to be dropped. */
static bool drop_needless(cap_t caps)
{
    for (size_t i = 0; i < sizeof(needless) / sizeof(needless[0]); i++) {
        if (CAP_IS_SUPPORTED(needless[i]) &&
            (cap_drop_bound(needless[i]) ||
             cap_set_flag(caps, CAP_EFFECTIVE, 1, &needless[i], CAP_CLEAR) ||
             cap_set_flag(caps, CAP_PERMITTED, 1, &needless[i], CAP_CLEAR) ||
             cap_set_flag(caps, CAP_INHERITABLE, 1, &needless[i], CAP_CLEAR)))
            return false;
    }
    return cap_set_proc(caps) == 0;
}

int domm_privileges_lessen(struct domm_error *err)
{
    int rc = refuse_more(err);
    if (rc || geteuid() != 0)
        return rc;
    cap_t caps = cap_get_proc();
    if (!caps)
        return domm_fail_errno(err, DOMM_FAILED, errno, "reading capabilities");
    if (!drop_needless(caps))
        rc = domm_fail_errno(err, DOMM_FAILED, errno, "dropping capabilities");
    cap_free(caps);
    return rc;
}
