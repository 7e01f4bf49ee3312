/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DOMM_CMD_OUTPUT_H
#define DOMM_CMD_OUTPUT_H

#include <stdio.h>

#include "lib/base/json.h"

/* Prints a result on standard output, in ASCII. cmd_dispatch checks for write errors at the end. */
void cmd_print_json(struct json_object *root);

/* The same to a file. */
void cmd_write_json(FILE *file, struct json_object *root);

/* How wide a text may be: the terminal's columns, at most 160; 80 where there is no terminal. */
unsigned int cmd_columns(void);

/* Before what is printed again and again. Does nothing where there is no terminal. */
void cmd_clear_screen(void);

#endif
