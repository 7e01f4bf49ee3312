/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by the files of the source, and by nobody else. */
#ifndef DOMM_MOVE_SOURCE_INTERNAL_H
#define DOMM_MOVE_SOURCE_INTERNAL_H

#include "lib/move/source.h"

static inline struct domm_source *domm_source_of(struct domm_end *end)
{
    return (struct domm_source *)end; /* its first member */
}

extern const struct domm_end_ops domm_source_ops;

/* Makes the link: `ssh HOST domm receive`. */
int domm_source_call(struct domm_source *source, struct domm_error *err);

/* source_check.c: the preflight of this end. */
int domm_source_check(struct domm_source *source, struct domm_error *err);

/* source_steps.c */
int domm_source_step(struct domm_end *end, enum domm_step step, unsigned int guest,
                     struct domm_error *err);
int domm_source_undo(struct domm_end *end, enum domm_step step, unsigned int guest,
                     struct domm_error *err);

#endif
