/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The shell's lines on a terminal: readline, completion from the table, and a history file. */
#ifndef DOMM_CMD_TERMINAL_H
#define DOMM_CMD_TERMINAL_H

/* Once, before the first line. Without a home directory there is no history file. */
void cmd_terminal_start(void);

/* The next line, the caller's to free; null at the end of input. An interrupt
 * (SIGINT) drops what was typed so far. */
char *cmd_terminal_read(const char *prompt);

/* Keeps a line in the history, in memory and in the file. */
void cmd_terminal_remember(const char *line);

#endif
