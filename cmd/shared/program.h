/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the programs other than domm, which has a table of commands, do alike. */
#ifndef DOMM_SHARED_PROGRAM_H
#define DOMM_SHARED_PROGRAM_H

#include <stdbool.h>

#include "lib/base/error.h"

/* Prints the text, a help or a version, as a line; then there is nothing more to do: *done_r. */
int print_and_leave(const char *text, bool *done_r, struct domm_error *err);

/* The argument of an option that is a number of whole seconds, from 1 to `most`; `what` is what
 * the option sets. DOMM_USAGE. */
int parse_seconds(const char *what, const char *text, int most, int *seconds_r,
                  struct domm_error *err);

/* SIGTERM and SIGINT as a descriptor, or -1. To be called before a library makes threads, which
 * would take them. */
int open_signals(void);

#endif
