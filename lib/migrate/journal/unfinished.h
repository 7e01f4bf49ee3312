/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Journals of unfinished migrations of this boot whose process has ended: it was killed, or gave up
 * because the outcome was unknown. The caller holds the locks of the guests, so no process is at
 * work.
 */
#ifndef DOMM_MIGRATE_JOURNAL_UNFINISHED_H
#define DOMM_MIGRATE_JOURNAL_UNFINISHED_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/error.h"
#include "lib/base/uuid.h"
#include "lib/migrate/fsm/recovery.h"
#include "lib/migrate/journal/journal.h"

/* The gravest of the matches. */
struct domm_unfinished {
    bool source;
    enum domm_owner owner;
    char destination[256]; /* the destination's name, as given at the source */
    char path[PATH_MAX];
    size_t count; /* of the matches */
};

/* Selects journals of this end since the host booted that name this domain; domid 0: any domain of
 * the guest. */
struct domm_unfinished_query {
    const struct domm_uuid *guest;
    uint32_t domid;
    bool source;
    const struct domm_journal *own; /* a journal to leave out; may be null */
};

/* Finds all matches: one of the gravest owner. A migration that was tried again, and killed at its
 * beginning, says nothing about an earlier one. DOMM_NOT_FOUND if there is none. */
int domm_unfinished_find(const struct domm_unfinished_query *query,
                         struct domm_unfinished *unfinished_r, struct domm_error *err);

/* Marks all matches as finished. */
int domm_unfinished_finish(const struct domm_unfinished_query *query, struct domm_error *err);

/* Reads the mapping state that was kept by any of the matches: *bytes_r is the caller's to free, or
 * null if there is none, or if it is incomplete. */
int domm_unfinished_mapping_state(const struct domm_unfinished_query *query,
                                  unsigned char **bytes_r, size_t *size_r, struct domm_error *err);

#endif
