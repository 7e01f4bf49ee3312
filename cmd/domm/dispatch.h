/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs one command line, for main and for each line of the shell. */
#ifndef DOMM_CMD_DISPATCH_H
#define DOMM_CMD_DISPATCH_H

#include "cmd/domm/table.h"

/* Runs "argv[0] [GLOBAL OPTIONS] COMMAND ...". Global options given here are added to the defaults,
 * for this command only. They also configure the caller's log, so that the caller reports an error
 * in the way that the command line asks for. The error's text begins with the command's name. */
int cmd_dispatch(const struct cmd_row *table, const struct cmd_globals *defaults,
                 struct domm_log *log, bool in_shell, int argc, char **argv,
                 struct domm_error *err);

#endif
