/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which targets are to be monitored on this host, and by whom: a file for each target in
 * /var/lib/domm/expected, named by its UUID. The record (lib/pair/record.h) ends with the monitor;
 * that a monitor ended is what the administrator has to hear of, so this stays until `domm detach`,
 * `destroy` or `acknowledge` ends it, or a migration moves it to the other host. It also has the
 * names by which the guests are told of when they are gone.
 *
 *     {"version": 1, "name": "web", "monitor": {"uuid": "<uuid>", "name": "ids"}}
 *
 * It changes under the lock of the records only (lib/pair/locks.h), but for a migration, which
 * holds the locks of its guests.
 */
#ifndef DOMM_PAIR_EXPECTATION_H
#define DOMM_PAIR_EXPECTATION_H

#include "lib/base/log.h"
#include "lib/pair/inventory.h"

#define DOMM_EXPECTED_NAME 128 /* bytes, with the terminator */

struct domm_expectation {
    struct domm_uuid target;
    struct domm_uuid monitor;                                               /* nil: unknown */
    char target_name[DOMM_EXPECTED_NAME], monitor_name[DOMM_EXPECTED_NAME]; /* empty: unknown */
};

struct domm_expectations {
    size_t count;
    struct domm_expectation *list; /* freed by domm_expectations_free */
};

/* A file that cannot be read still says that its target is expected; a warning is logged, unless
 * log is null. */
int domm_expectations_read(struct domm_log *log, struct domm_expectations *expectations_r,
                           struct domm_error *err);
void domm_expectations_free(struct domm_expectations *expectations);

/* The one of that target, or null. */
const struct domm_expectation *domm_expectations_find(const struct domm_expectations *expectations,
                                                      const struct domm_uuid *target);

/* Whether the target is expected to be monitored on this host, whatever its file says. */
bool domm_expectation_exists(const struct domm_uuid *target);

/* Expects that target to be monitored by that monitor from now on. It is on the
 * disk when the call returns. */
int domm_expectation_write(const struct domm_expectation *expectation, struct domm_error *err);

/* Fills an expectation, with the names without the suffix of a migration. */
void domm_expectation_make(const struct domm_uuid *target, const char *target_name,
                           const struct domm_uuid *monitor, const char *monitor_name,
                           struct domm_expectation *expectation_r);

/* Expects all targets of the record to be monitored by that monitor from now on. The inventory
 * gives their names. */
int domm_expectations_note(const struct domm_inventory *inventory, const struct domm_uuid *monitor,
                           const char *monitor_name, const struct domm_record *record,
                           struct domm_error *err);

/* Expects the target no more; fine if it was not expected. */
int domm_expectation_remove(const struct domm_uuid *target, struct domm_error *err);

/* The same for the target, or for all if it is null, that are to be monitored by that monitor. */
int domm_expectations_end(const struct domm_uuid *monitor, const struct domm_uuid *target,
                          struct domm_error *err);

/* Makes what is expected of the targets of the record what it was before. */
int domm_expectations_restore(const struct domm_expectations *before,
                              const struct domm_record *record, struct domm_error *err);

#endif
