/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by the files of the destination only. */
#ifndef DOMM_MIGRATE_DESTINATION_INTERNAL_H
#define DOMM_MIGRATE_DESTINATION_INTERNAL_H

#include "lib/migrate/destination.h"

static inline struct domm_destination *domm_destination_of(struct domm_session *session)
{
    return (struct domm_destination *)session; /* its first member */
}

extern const struct domm_session_ops domm_destination_ops;

/* destination_check.c: the preflight of this end. */
int domm_destination_check(struct domm_session *session, struct domm_error *err);

/* destination_steps.c */
int domm_destination_step(struct domm_session *session, enum domm_step step, unsigned int guest,
                          struct domm_error *err);
int domm_destination_undo(struct domm_session *session, enum domm_step step, unsigned int guest,
                          struct domm_error *err);

#endif
