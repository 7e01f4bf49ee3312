/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Settling a migration whose process is gone. It leaves no target running that is not watched:
 * whoever was stopped stands still until somebody has seen that domM is ready.
 */
#ifndef DOMM_MOVE_RECOVER_H
#define DOMM_MOVE_RECOVER_H

#include "lib/base/log.h"
#include "lib/base/uuid.h"
#include "lib/move/end.h"

/*
 * At the source: the guests get their names back, domM its mappings, and it runs; its targets are
 * left as they are. *found_r says whether a migration of this domM was left; if not, nothing is
 * done. DOMM_REFUSED if the guests are the destination's; DOMM_OUTCOME_UNKNOWN if they may be,
 * unless who has looked there says that they were `not_taken`.
 */
int domm_recover_source(struct domm_log *log, const struct domm_uuid *domm, uint32_t domid,
                        bool not_taken, bool *found_r, struct domm_error *err);

/* At the destination, if the guests are its own: domM runs, and all are tended. As above;
 * DOMM_REFUSED if they were never handed over. */
int domm_recover_destination(struct domm_xen *xen, const struct domm_inventory *inventory,
                             const struct domm_member *domm, bool *found_r, struct domm_error *err);

/* Destroys what earlier migrations to this host have left of a guest and never handed over. Under
 * the guest's lock. */
int domm_recover_clear(struct domm_end *end, unsigned int guest, struct domm_error *err);

#endif
