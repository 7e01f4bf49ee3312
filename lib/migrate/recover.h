/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Recovers migrations whose process on this host is gone: settles each to one runnable, monitored
 * copy of each guest, by the rules of fsm/recovery.h. May be repeated, and run on both hosts at
 * once: each migration, and its guests, are locked meanwhile.
 */
#ifndef DOMM_MIGRATE_RECOVER_H
#define DOMM_MIGRATE_RECOVER_H

#include "lib/base/log.h"
#include "lib/base/uuid.h"
#include "lib/migrate/journal/facts.h"
#include "lib/migrate/session.h"

/* When the targets run that belong to this host. */
enum domm_recover_when {
    DOMM_RECOVER_READY,   /* once the monitor is ready */
    DOMM_RECOVER_FORCE,   /* at once, unmonitored */
    DOMM_RECOVER_RESTART, /* once a fresh monitor is ready */
};

/* All borrowed. */
struct domm_recover_options {
    const struct domm_uuid *migration; /* only this one; null: all */
    const struct domm_uuid *guest;     /* only those of this guest; null: all */
    char *const
        *ssh; /* the words that run a command at the other host; null: as the journal says */
    enum domm_assumption assumed;
    enum domm_recover_when when;
    bool held_only; /* leave alone what would have to be asked for, or be destroyed */
    bool dry_run;   /* change nothing, and ask nobody: a process that is asked gives up */
};

/* What became of one migration. */
struct domm_recover_result {
    const struct domm_journal_facts *facts;
    enum domm_recovery_answer answer; /* of the destination, if it was asked */
    enum domm_recovery then;          /* what the rules say */
    bool asks;                        /* the destination is asked first, or in a dry run would be */
    bool settled;                     /* it was done, and nothing is left */
    struct domm_error err;            /* why not; or why there was no answer; code 0: nothing */
};

typedef void domm_recover_say(void *context, const struct domm_recover_result *result);

/* Calls `say` for each migration that was not over. A migration whose process lives is left out.
 * *left_r is how many are not settled. Fails only if nothing could be done. */
int domm_recover(struct domm_log *log, const struct domm_recover_options *options,
                 domm_recover_say *say, void *context, unsigned int *left_r,
                 struct domm_error *err);

/* Destroys copies of a guest that earlier migrations to this host have left and that were never
 * handed over, and never ran. The guest must be locked. In a preflight nothing is destroyed. */
int domm_recover_clear(struct domm_session *session, unsigned int guest, struct domm_error *err);

/* Whether domm_recover_clear would destroy this domain, or has failed to. */
bool domm_recover_is_left(struct domm_session *session, const struct domm_domain *domain);

#endif
