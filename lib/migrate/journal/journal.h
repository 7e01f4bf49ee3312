/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The journal of a migration at one end. Each step is written before it runs, so that after a crash
 * the journal tells how far the migration came. It is a directory
 *
 *     /var/lib/domm/migrations/<uuid of the migration>.<source|destination>
 *
 * with the file `journal`, one JSON object a line, `monitor.json` and `record.json`, from which a
 * fresh monitor can be made, and later `mapping-state` (lib/mapping/mapping_state.h),
 * `report.json`, `over`, once nothing is left to do at this end, and at the destination `agreed`,
 * once the source has said that it will never ask again (recovery.h).
 *
 * Durability:
 *
 *   - The writes of a killed process survive in their order, since the kernel has them. They need
 *     no sync.
 *   - A host that goes down loses its domains. No guest on it is left to resume, reattach or
 *     destroy, and of journals of earlier boots recovery reads only who owns the guests (facts.h).
 *     Steps, states, domids and the mapping state therefore need no sync either.
 *   - The host's decision about the owner of the guests must survive the host, since the other host
 *     may have acted on it: "decided" is durable before COMMIT can be sent, "adopted" before
 *     COMMITTED is sent and a guest runs, and "not adopted" before GONE is sent. If "undecided"
 * were lost, the outcome would be unknown without need.
 *
 * These four are synced (domm_journal_decide) with all lines before them, and with the directories
 * that contain the journal. All other lines are written in order without a sync, which would keep
 * the targets stopped for tens of milliseconds a line. A full disk is detected at once; a failing
 * disk is detected at the decision.
 */
#ifndef DOMM_MIGRATE_JOURNAL_JOURNAL_H
#define DOMM_MIGRATE_JOURNAL_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/error.h"
#include "lib/base/json.h"
#include "lib/base/uuid.h"
#include "lib/migrate/fsm/state.h"
#include "lib/migrate/fsm/step.h"

#define DOMM_JOURNAL_STATE "mapping-state"
/* From which a fresh monitor can be made: libxl's configuration, and the record. */
#define DOMM_JOURNAL_MONITOR "monitor.json"
#define DOMM_JOURNAL_RECORD "record.json"

struct domm_journal; /* a null journal accepts everything and keeps nothing */

int domm_journal_begin(const struct domm_uuid *migration, bool source,
                       struct domm_journal **journal_r, struct domm_error *err);
/* Opens an existing journal, by its directory. */
int domm_journal_resume(const char *path, struct domm_journal **journal_r, struct domm_error *err);
/* Marks the migration as finished, durably, and removes the files that only recovery needs. Removes
 * the oldest of many finished journals; those of which the source may still ask are kept longer. */
void domm_journal_finish(struct domm_journal *journal);
/* Destination: the source will never ask again. */
void domm_journal_agree(struct domm_journal *journal);
void domm_journal_close(struct domm_journal *journal);

/* The directory. */
const char *domm_journal_path(const struct domm_journal *journal);

/* Each adds one line, with the time. */
int domm_journal_state(struct domm_journal *journal, enum domm_migration_state state,
                       struct domm_error *err);
int domm_journal_step(struct domm_journal *journal, const char *what, enum domm_step step,
                      unsigned int guest, struct domm_error *err);
/* Takes the object over. */
int domm_journal_note(struct domm_journal *journal, const char *what, struct json_object *object,
                      struct domm_error *err);

/* One of the four lines that say whose the guests are. It is on the disk when the call returns. */
int domm_journal_decide(struct domm_journal *journal, const char *what, struct domm_error *err);

/* A whole file beside the journal: the old one or the new one, whenever this process is killed. */
int domm_journal_keep(struct domm_journal *journal, const char *name, const void *bytes,
                      size_t size, struct domm_error *err);
/* Removes it. */
int domm_journal_drop(struct domm_journal *journal, const char *name, struct domm_error *err);

#endif
