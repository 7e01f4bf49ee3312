/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What one journal says, read back from its lines. Lines that are malformed, or incomplete because
 * the host went down, say nothing.
 */
#ifndef DOMM_MIGRATE_JOURNAL_FACTS_H
#define DOMM_MIGRATE_JOURNAL_FACTS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/uuid.h"
#include "lib/migrate/fsm/recovery.h"
#include "lib/migrate/fsm/state.h"
#include "lib/migrate/protocol/messages.h"

#define DOMM_JOURNAL_GUESTS (1 + DOMM_RECORD_MAX_TARGETS)

struct domm_journal_guest {
    struct domm_uuid uuid;
    char name[DOMM_WIRE_NAME_BYTES]; /* its proper one */
    uint32_t domid;                  /* on this host, in the boot of the journal; 0: none yet */
    bool paused;                     /* it is to stay paused at the destination */
};

struct domm_journal_facts {
    struct domm_uuid migration;
    bool source;           /* the end whose journal it is */
    bool of_this_boot;     /* of this host: the domids mean something */
    bool over;             /* nothing was left to do at this end */
    bool lost;             /* destination: … because the guests had ended with a boot */
    enum domm_owner owner; /* at the destination: SOURCE or DESTINATION */
    bool owning;           /* destination: it has gone on since it adopted the guests */
    char state[32];        /* the word of the last state; empty if there is none */
    char other[256];       /* source: the destination's name, as it was given */
    char ssh[512];         /* source: the words that ran commands there, as a JSON array */
    size_t n_guests;       /* 0 is the monitor */
    struct domm_journal_guest guests[DOMM_JOURNAL_GUESTS];
    char path[PATH_MAX]; /* the journal's directory */
};

/* Reads a journal by the name of its directory, <uuid>.<source|destination>; `all` is the directory
 * of all journals. False if it is not one. */
bool domm_journal_facts_read(int all, const char *name, struct domm_journal_facts *facts_r);

/* The journal of one end of a migration; false if there is none. */
bool domm_journal_facts_find(const struct domm_uuid *migration, bool source,
                             struct domm_journal_facts *facts_r);

/* The last state that was written down; DOMM_MIGRATION_STATES if there is none. */
enum domm_migration_state domm_journal_facts_state(const struct domm_journal_facts *facts);

/* Whether the migration had a domain of that domid, 0 for any, made of this guest. */
bool domm_journal_facts_name(const struct domm_journal_facts *facts, const struct domm_uuid *guest,
                             uint32_t domid);

/* Calls `take` for each journal of this host, in no order, until it returns false. */
void domm_journal_facts_each(bool (*take)(void *context, const struct domm_journal_facts *facts),
                             void *context);

#endif
