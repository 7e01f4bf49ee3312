/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DOMM_GUEST_RUN_H
#define DOMM_GUEST_RUN_H

#include "lib/base/error.h"

/* Runs a program, with no shell, and kills it and its children when timeout_s are over. Fails with
 * the last line it wrote to its standard error, unless it ends with 0. */
int run_program(const char *const arguments[], int timeout_s, struct domm_error *err);

#endif
