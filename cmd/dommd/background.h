/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Going to the background, in the manner of SysV: the caller's exit status says whether the service
 * has started. */
#ifndef DOMM_DOMMD_BACKGROUND_H
#define DOMM_DOMMD_BACKGROUND_H

#include "lib/base/error.h"

/* Forks. In the child, which continues in a session of its own, it returns 0, and *waiting_r is what
 * background_started and background_failed take. In the parent it waits for one of the two: it ends
 * the process with 0, or returns the child's error. Called before anything of Xen is opened. */
int background_begin(int *waiting_r, struct domm_error *err);

/* The child has started: the parent ends with success. Standard input and output are closed. */
void background_started(int *waiting);

/* The child has failed: the parent shows the error. */
void background_failed(int *waiting, const struct domm_error *err);

#endif
