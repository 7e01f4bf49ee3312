/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How many packets each mirror had lost when monitor-status looked last, in /run/domm/losses: a
 * target that floods its mirror hides from its monitor, and the kernel's counters do not
 * say when. A line for each mirror; malformed lines are ignored.
 */
#ifndef DOMM_PAIR_LOSSES_H
#define DOMM_PAIR_LOSSES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/error.h"
#include "lib/base/uuid.h"

/* The counters of one mirror. Those of other devices are others. */
struct domm_loss {
    struct domm_uuid target;
    unsigned vif;           /* of the target */
    int from, to;           /* ifindex of both ends */
    uint64_t not_copied;    /* by the filters on the target's vif */
    uint64_t not_delivered; /* by the monitor vif */
    uint64_t in_queue;      /* by the qdisc in front of it */
};

struct domm_losses {
    size_t count;
    struct domm_loss *list; /* freed by domm_losses_free */
};

/* What the last look has found; nothing if there was none, or it cannot be read. */
void domm_losses_read(struct domm_losses *losses_r);
void domm_losses_free(struct domm_losses *losses);

/* Notes the counters of this look, in place of those of the same mirror. */
int domm_losses_note(struct domm_losses *losses, const struct domm_loss *now,
                     struct domm_error *err);

/* Leaves the others as they are. */
int domm_losses_write(const struct domm_losses *losses, struct domm_error *err);

/* How many packets the mirror has lost since then; 0 if it was not looked at. A counter that is
 * lower began anew. */
uint64_t domm_losses_since(const struct domm_losses *losses, const struct domm_loss *now);

#endif
