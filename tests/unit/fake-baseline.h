/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A baseline of the kernel that is made up, in a file of its own. */
#ifndef DOMM_TESTS_FAKE_BASELINE_H
#define DOMM_TESTS_FAKE_BASELINE_H

#include "cmd/kernel-check/check.h"
#include "tests/unit/fake-kernel.h"

#define FAKE_BASELINE_PATH 40 /* bytes, with the terminator */

/* Takes and opens it. */
void fake_baseline_open(const struct fake_kernel *fake, struct baseline *baseline_r,
                        char path_r[FAKE_BASELINE_PATH]);

/* Closes it and removes its file. What was learned by it is forgotten. */
void fake_baseline_close(struct baseline *baseline, struct knowledge *knowledge, const char *path);

#endif
