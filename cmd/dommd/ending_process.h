/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The process that handles the end of a guest (lifecycle.h). */
#ifndef DOMM_DOMMD_ENDING_PROCESS_H
#define DOMM_DOMMD_ENDING_PROCESS_H

#include <stdint.h>

#include "lib/base/error.h"
#include "lib/base/log.h"

/*
 * Starts it. It is no child of dommd, and outlives it. Where dommd is a service of systemd it is one
 * too, dommd-ending@DOMID, and is not confined as dommd is: it runs QEMU and hotplug scripts, which
 * may need anything. It logs where
 * dommd does, or to the journal; its failure shows there only.
 */
int ending_process_start(const struct domm_log *log, uint32_t domid, struct domm_error *err);

#endif
