/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>

#include "cmd/domm/dispatch.h"
#include "cmd/domm/table.h"

int main(int argc, char **argv)
{
    const struct cmd_globals defaults = {0};
    struct domm_log log;
    struct domm_error err;
    /* It asks a migration how far it is, and may be sent to all processes of this name, which
     * evacuate's have as well. */
    signal(SIGUSR1, SIG_IGN);
    prctl(PR_SET_NAME, "domm");
    domm_log_init(&log, stderr, "domm");
    int rc = cmd_dispatch(cmd_table, &defaults, &log, false, argc, argv, &err);
    if (rc)
        domm_log_error(&log, &err);
    return -rc;
}
