/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads the shell's lines on a terminal with readline, completion and a history file. */
#ifndef DOMM_CMD_TERMINAL_H
#define DOMM_CMD_TERMINAL_H

#include "cmd/domm/table.h"

/* Call once, before the first line. Commands are completed from the table. Without a home directory
 * there is no history file. */
void cmd_terminal_start(const struct cmd_row *table);

/* Returns the next line, which the caller frees; null at the end of input. Ctrl-C discards the
 * typed text. */
char *cmd_terminal_read(const char *prompt);

/* Keeps a line in the history, in memory and in the file. */
void cmd_terminal_remember(const char *line);

#endif
