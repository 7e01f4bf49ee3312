/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DOMM_CMD_HELP_H
#define DOMM_CMD_HELP_H

#include "cmd/domm/table.h"

/* To standard output: all commands and the global options; in the shell also how to leave it. */
void cmd_print_help(const struct cmd_row *table, bool in_shell);

/* To standard output: one command. */
void cmd_print_command_help(const struct cmd_row *row);

#endif
