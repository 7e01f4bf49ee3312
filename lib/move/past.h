/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Journals of migrations that are not over, and whose process has ended: it was killed, or gave up
 * because nobody could know what became of the guests. Who reads one has made sure, by the guests'
 * locks, that no process is at work.
 */
#ifndef DOMM_MOVE_PAST_H
#define DOMM_MOVE_PAST_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/error.h"
#include "lib/base/uuid.h"
#include "lib/move/journal.h"

/* Whose the guests are, as far as this end's journal tells. */
enum domm_past_owner {
    DOMM_PAST_SOURCE,
    DOMM_PAST_UNKNOWN, /* the source's: COMMIT may have been sent, and was not answered */
    DOMM_PAST_DESTINATION,
};

struct domm_past {
    bool source;
    enum domm_past_owner owner;
    char destination[256]; /* the host, as the source calls it */
    char path[PATH_MAX];
};

/* Which journals: of this end, since this host was booted, that this domain was part of; with
 * domid 0, that any domain of this guest was. */
struct domm_past_query {
    const struct domm_uuid *guest;
    uint32_t domid;
    bool source;
    const struct domm_journal *own; /* this one not; may be null */
};

/* The last of them. DOMM_NOT_FOUND if there is none. */
int domm_past_find(const struct domm_past_query *query, struct domm_past *past_r,
                   struct domm_error *err);

/* There is nothing left to settle: marks all of them as over. */
int domm_past_finish(const struct domm_past_query *query, struct domm_error *err);

/* The mapping state as it was kept: *bytes_r is the caller's to free, or null if none was. */
int domm_past_mapping_state(const struct domm_past *past, unsigned char **bytes_r, size_t *size_r,
                            struct domm_error *err);

#endif
