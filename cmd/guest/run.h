/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DOMM_GUEST_RUN_H
#define DOMM_GUEST_RUN_H

#include "lib/base/error.h"

/* Runs a program, with no shell. Fails with the last line it wrote to its standard error, unless it
 * ends with 0. When timeout_s are over it is killed with its children: DOMM_ABORTED. */
int run_program(const char *const arguments[], int timeout_s, struct domm_error *err);

#endif
