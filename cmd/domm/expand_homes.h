/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DOMM_CMD_EXPAND_HOMES_H
#define DOMM_CMD_EXPAND_HOMES_H

/* The line with home directories, quoted, in the place of each ~ and ~USER that begins a word
 * outside of quotes. The name of no user stays as it is. The caller's to free; null if memory runs
 * out. */
char *cmd_expand_homes(const char *line);

#endif
