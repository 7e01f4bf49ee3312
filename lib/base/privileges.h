/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Giving up privileges in child processes that read a guest's bytes. What one of them has opened
 * before stays open: a saver's door to Xen among it. None of this can be undone, and none leaves a
 * core file, which would hold the guest's memory.
 */
#ifndef DOMM_BASE_PRIVILEGES_H
#define DOMM_BASE_PRIVILEGES_H

#include "lib/base/error.h"

/* Gives up every capability (capabilities(7)), also of programs that the process starts. Fails if
 * one is left. Does nothing but refuse core files if the process is not root's. */
int domm_privileges_end(struct domm_error *err);

/* Gives up what neither libxl nor a hotplug script needs to make a guest, as domm_privileges_end
 * does: tracing processes, raw access to devices, the clock, audit, and more. */
int domm_privileges_lessen(struct domm_error *err);

#endif
