/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by the files of the source only. */
#ifndef DOMM_MIGRATE_SOURCE_INTERNAL_H
#define DOMM_MIGRATE_SOURCE_INTERNAL_H

#include "lib/migrate/source.h"

static inline struct domm_source *domm_source_of(struct domm_session *session)
{
    return (struct domm_source *)session; /* its first member */
}

extern const struct domm_session_ops domm_source_ops;

/* source.c: a source without anything; domm_session_open may follow. */
void domm_source_begin(struct domm_source *source_r);

/* source_tune.c: changes a limit of the migration, in the loop's thread or before there is one. */
void domm_source_tune(struct domm_session *session, enum domm_tuning tuning, uint64_t value);

/* source_link.c: makes the control link, `ssh HOST domm receive`, and closes it. */
int domm_source_link_open(struct domm_source *source, struct domm_error *err);
void domm_source_link_close(struct domm_source *source);

/* source_check.c: the preflight of this end. */
int domm_source_check(struct domm_source *source, struct domm_error *err);

/* source_steps.c */
int domm_source_step(struct domm_session *session, enum domm_step step, unsigned int guest,
                     struct domm_error *err);
int domm_source_undo(struct domm_session *session, enum domm_step step, unsigned int guest,
                     struct domm_error *err);

/* domm_ready_look, once dommd has noticed that the monitor was stopped. */
int domm_source_look(struct domm_session *session, struct domm_error *err);

#endif
