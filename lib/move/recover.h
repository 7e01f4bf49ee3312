/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Settling by hand a migration whose process is gone. It leaves no target running that is not
 * watched: whoever was stopped stands still until somebody calls this.
 */
#ifndef DOMM_MOVE_RECOVER_H
#define DOMM_MOVE_RECOVER_H

#include "lib/base/log.h"
#include "lib/base/uuid.h"
#include "lib/move/end.h"
#include "lib/move/past.h"

/*
 * At the source: the guests get their names back, domM its mappings, and it runs; its targets are
 * left as they are, for who has seen that domM is ready. Whatever of this is so already is passed
 * over. DOMM_NOT_FOUND if no migration of this domM was left; DOMM_REFUSED if the guests are the
 * destination's; also, unless `decided` by who has looked there, if they may be.
 */
int domm_recover_source(struct domm_log *log, const struct domm_uuid *domm, uint32_t domid,
                        bool decided, struct domm_error *err);

/*
 * At the destination, if the guests are its own: domM runs. DOMM_NOT_FOUND as above; DOMM_REFUSED
 * if they were never handed over.
 */
int domm_recover_destination(struct domm_xen *xen, const struct domm_uuid *domm, uint32_t domid,
                             struct domm_error *err);

/* What an earlier migration to this host has left of a guest, if it was never handed over: is
 * destroyed. Under the guest's lock. */
int domm_recover_clear(struct domm_xen *xen, struct domm_log *log, const struct domm_uuid *guest,
                       struct domm_error *err);

#endif
