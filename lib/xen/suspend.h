/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Suspending and resuming a guest. */
#ifndef DOMM_XEN_SUSPEND_H
#define DOMM_XEN_SUSPEND_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/error.h"

struct domm_xen;

/* Asks the guest to suspend itself, and waits until it has; a failure may take a minute. A
 * suspended guest stays suspended. DOMM_REFUSED if another program has suspended it. */
int domm_xen_suspend(struct domm_xen *xen, uint32_t domid, struct domm_error *err);

/* To be called before a guest that domm_xen_suspend has suspended is paused as well, so that
 * domm_xen_resume takes back that pause and no other. */
int domm_xen_note_pause(struct domm_xen *xen, uint32_t domid, struct domm_error *err);

/* Whether domm has asked the guest to suspend, and has not resumed it since. In doubt it has. */
bool domm_xen_suspended_by_domm(struct domm_xen *xen, uint32_t domid);

/*
 * Resumes a guest that domm_xen_suspend has suspended. If the guest is not suspended, a pending
 * request to suspend is withdrawn, and a suspend that domm_xen_suspend has requested and the guest
 * is carrying out is awaited, up to a minute. A guest that was suspended is managed from then on
 * (lib/xen/lifecycle.h). The pause that domm_xen_note_pause has announced is undone, and so is
 * log-dirty mode that a killed saver has left. DOMM_REFUSED, and nothing is done, if another
 * program has suspended it.
 */
int domm_xen_resume(struct domm_xen *xen, uint32_t domid, struct domm_error *err);

#endif
