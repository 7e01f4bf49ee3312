/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The kernel in a target's memory is looked for by a process that has nothing but that memory: what
 * it parses was written by the target. */
#ifndef DOMM_AGENT_KERNEL_FINDER_H
#define DOMM_AGENT_KERNEL_FINDER_H

#include <stdbool.h>
#include <sys/types.h>

#include "lib/vmi/domm-guest.h"

/* As the process says, which the target may have taken over. */
struct found_kernel {
    struct domm_kernel_facts facts;
    char page[DOMM_VMI_PAGE]; /* with its VMCOREINFO */
};

struct kernel_finder;

/* Starts a search of the memory file `path`, which may be one that this thread answers for. Null if
 * there is no process or memory for it. */
struct kernel_finder *kernel_finder_start(const char *path);

/* Whether this is the process that searches. */
bool kernel_finder_is(const struct kernel_finder *finder, pid_t pid);

/* Readable when the search has ended. */
int kernel_finder_fd(const struct kernel_finder *finder);

/* Ends the search, if it has not ended, and frees the finder. Whether a kernel was found. */
bool kernel_finder_finish(struct kernel_finder *finder, struct found_kernel *kernel_r);

#endif
