/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a command line to a command that has run; for main and for each line of the shell. */
#ifndef DOMM_CMD_DISPATCH_H
#define DOMM_CMD_DISPATCH_H

#include "cmd/domm/table.h"

/* Runs "argv[0] [GLOBAL OPTIONS] COMMAND ...". Global options given here are added to those of
 * the defaults, for this command only. The log, initialised by the caller, is set up by them, so
 * that the caller reports an error the way the command line asked for. The error's text begins
 * with the command's name. */
int cmd_dispatch(const struct cmd_globals *defaults, struct domm_log *log, bool in_shell, int argc,
                 char **argv, struct domm_error *err);

#endif
