/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Shared by the files of recovery only. */
#ifndef DOMM_MIGRATE_RECOVER_INTERNAL_H
#define DOMM_MIGRATE_RECOVER_INTERNAL_H

#include "lib/migrate/recover.h"
#include "lib/migrate/source_internal.h"

/* A migration that is being recovered: a session without a link, made of the journal. At the
 * destination the source's part of it is unused. */
struct domm_recovering {
    struct domm_source source; /* source.session.guests[g].domid is 0 if it is not on this host */
    const struct domm_journal_facts *facts;
    enum domm_domain_state states[DOMM_JOURNAL_GUESTS];
    bool suffixed[DOMM_JOURNAL_GUESTS]; /* the domain has not its proper name */
};

/* recover_open.c: opens everything and finds the guests: at the source the domains of the journal,
 * at the destination the newest domains of their UUIDs. In a dry run there is no journal, which
 * would be written to. domm_recover_close must be called, also after a failure. */
int domm_recover_open(struct domm_recovering *r, const struct domm_journal_facts *facts,
                      bool dry_run, struct domm_log *log, struct domm_error *err);
void domm_recover_close(struct domm_recovering *r);

/* recover_open.c: whether one of the migration's domains is on this host: at the source one of its
 * journal, at the destination any with a guest's UUID that was taken into use. */
int domm_recover_is_there(struct domm_xen *xen, const struct domm_journal_facts *facts,
                          bool *here_r, struct domm_error *err);

/* recover_run.c: runs the monitor of this host's copies and then, once it is ready, its targets.
 * DOMM_OUTCOME_UNKNOWN if they stay stopped. fresh: with a fresh monitor in any case. */
int domm_recover_run(struct domm_recovering *r, enum domm_recover_when when, bool fresh,
                     struct domm_error *err);

/* recover_clear.c: destroys this host's copies. DOMM_OUTCOME_UNKNOWN if one of them runs. */
int domm_recover_destroy(struct domm_recovering *r, struct domm_error *err);

#endif
