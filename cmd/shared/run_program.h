/* SPDX-License-Identifier: GPL-3.0-or-later */
#ifndef DOMM_SHARED_RUN_PROGRAM_H
#define DOMM_SHARED_RUN_PROGRAM_H

#include "lib/base/error.h"

/* Runs a program without a shell, without input and output, with a PATH, LC_ALL=C and these
 * variables
 * ("NAME=VALUE"; ends with null, or is null) in its environment. If its exit status is not 0, fails
 * with the last line of its standard error. After timeout_s the program and its children are
 * killed: DOMM_ABORTED. A child that it leaves behind is left alone. */
int run_program(const char *const arguments[], const char *const environment[], int timeout_s,
                struct domm_error *err);

#endif
