/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Room for new guests. By default dom0 has all of the host's memory, and gives it up for guests: xl
 * balloons it down before it creates or restores one (freemem, tools/xl/xl_vmcontrol.c), libxl does
 * not. So does domm, unless the administrator has said otherwise: by autoballoon in
 * /etc/xen/xl.conf (xl.conf(5)), or by dom0_mem= on Xen's command line.
 */
#ifndef DOMM_XEN_ROOM_H
#define DOMM_XEN_ROOM_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/error.h"
#include "lib/xen/xen.h"

/* DOMM_PREFLIGHT, with the figures, unless so much memory is free, or dom0 can give up what is
 * missing. Changes nothing. */
int domm_xen_check_room(struct domm_xen *xen, uint64_t kib, struct domm_error *err);

/* Has dom0 give up what is missing, and waits until so much memory is free: for half a minute, and
 * as long as dom0 gets on with it. DOMM_PREFLIGHT if it never is. */
int domm_xen_make_room(struct domm_xen *xen, uint64_t kib, struct domm_error *err);

/* Whether dom0 is ballooned, by the value of autoballoon in xl.conf (null: not set) and Xen's
 * command line, as xl decides (parse_global_config, tools/xl/xl.c). Pure. */
bool domm_room_balloons(const char *autoballoon, const char *command_line);

#endif
