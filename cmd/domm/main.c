/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "cmd/domm/dispatch.h"
#include "cmd/domm/table.h"

int main(int argc, char **argv)
{
    const struct cmd_globals defaults = {0};
    struct domm_log log;
    struct domm_error err;
    domm_log_init(&log, stderr, "domm");
    int rc = cmd_dispatch(cmd_table, &defaults, &log, false, argc, argv, &err);
    if (rc)
        domm_log_error(&log, &err);
    return -rc;
}
