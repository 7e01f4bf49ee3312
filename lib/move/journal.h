/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a migration writes down at each end before it does it, so that a crash at any moment leaves
 * behind how far it came: a directory
 *
 *     /var/lib/domm/migrations/<uuid of the migration>.<source|destination>
 *
 * with the file `journal`, one JSON object a line, and, as they come to be, `mapping-state`
 * (lib/mapping/state.h), `report.json`, and `over`, once nothing is left to settle. Each line is on
 * the disk before the call returns.
 */
#ifndef DOMM_MOVE_JOURNAL_H
#define DOMM_MOVE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/error.h"
#include "lib/base/json.h"
#include "lib/base/uuid.h"
#include "lib/move/state.h"
#include "lib/move/step.h"

#define DOMM_JOURNAL_STATE "mapping-state"

struct domm_journal; /* a null one takes everything and keeps nothing */

int domm_journal_begin(const struct domm_uuid *migration, bool source,
                       struct domm_journal **journal_r, struct domm_error *err);
/* Goes on with one that is there, by its directory. */
int domm_journal_resume(const char *path, struct domm_journal **journal_r, struct domm_error *err);
/* The migration is over, and nothing is left to settle: its mapping state is of no use any more. Of
 * many that are over, the oldest are removed. */
void domm_journal_finish(struct domm_journal *journal);
void domm_journal_close(struct domm_journal *journal);

/* The directory. */
const char *domm_journal_path(const struct domm_journal *journal);

/* Each takes one line. The time is added. */
int domm_journal_state(struct domm_journal *journal, enum domm_move_state state,
                       struct domm_error *err);
int domm_journal_step(struct domm_journal *journal, const char *what, enum domm_step step,
                      unsigned int guest, struct domm_error *err);
/* Takes the object over. */
int domm_journal_note(struct domm_journal *journal, const char *what, struct json_object *object,
                      struct domm_error *err);

/* A whole file beside the journal. */
int domm_journal_keep(struct domm_journal *journal, const char *name, const void *bytes,
                      size_t size, struct domm_error *err);
/* Removes it, for good when the call returns. */
int domm_journal_drop(struct domm_journal *journal, const char *name, struct domm_error *err);

#endif
