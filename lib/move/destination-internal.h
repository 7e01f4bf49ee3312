/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by the files of the destination, and by nobody else. */
#ifndef DOMM_MOVE_DESTINATION_INTERNAL_H
#define DOMM_MOVE_DESTINATION_INTERNAL_H

#include "lib/move/destination.h"

static inline struct domm_destination *domm_destination_of(struct domm_end *end)
{
    return (struct domm_destination *)end; /* its first member */
}

extern const struct domm_end_ops domm_destination_ops;

/* destination_check.c: the preflight of this end. */
int domm_destination_check(struct domm_end *end, struct domm_error *err);

/* destination_steps.c */
int domm_destination_step(struct domm_end *end, enum domm_step step, unsigned int guest,
                          struct domm_error *err);
int domm_destination_undo(struct domm_end *end, enum domm_step step, unsigned int guest,
                          struct domm_error *err);

#endif
