/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How what a monitor maps follows its targets. A mapping pins a frame of the machine; what the
 * target has at a gfn is another question, and changes: its balloon gives frames back, which stay
 * its own as long as they are mapped, and gets others; and its kernel can put any frame behind any
 * gfn. Ten times a second dommd therefore compares each mapped frame with Xen's m2p, without a
 * pause, takes out each that has moved, and looks its gfn up anew. Xen's count of the target's
 * pages is the proof that nothing is missed: distinct frames that are mapped, against pages that it
 * owns.
 */
#ifndef DOMM_DOMMD_FOLLOW_H
#define DOMM_DOMMD_FOLLOW_H

#include "cmd/dommd/monitor.h"

/* Begins to follow the targets of all monitors; the loop must be there. */
int follow_start(struct service *service, struct domm_error *err);

/* One look at the targets of a monitor whose page tables are dommd's (monitor_lock). Such looks are
 * due every FOLLOW_MS, and come a little earlier or later, so that nobody can step in between. */
#define FOLLOW_MS 100
void follow_targets(struct service *service, struct monitor *monitor);

#endif
