/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shared by the programs other than domm, which has a table of commands instead. */
#ifndef DOMM_SHARED_PROGRAM_H
#define DOMM_SHARED_PROGRAM_H

#include <stdbool.h>

#include "lib/base/error.h"

/* Prints a help or version text as a line, and sets *done_r, since nothing remains to be done. */
int print_and_leave(const char *text, bool *done_r, struct domm_error *err);

/* Parses the argument of the option `what`, a number of seconds from 1 to `most`. Fails with
 * DOMM_USAGE. */
int parse_seconds(const char *what, const char *text, int most, int *seconds_r,
                  struct domm_error *err);

#endif
