/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A request that a limit of a migration be changed while it is under way, by another process of the
 * source: a file in /run/domm that is named by the limit and the migration's UUID, for the process
 * of the migration.
 */
#ifndef DOMM_MIGRATE_JOURNAL_TUNING_H
#define DOMM_MIGRATE_JOURNAL_TUNING_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/error.h"
#include "lib/base/uuid.h"

enum domm_tuning {
    DOMM_TUNING_BANDWIDTH,    /* bytes a second, all streams together; 0: no limit */
    DOMM_TUNING_MAX_DOWNTIME, /* ms; 0: no limit */
    DOMM_TUNINGS
};

/* The process acts on it within a second. */
int domm_tuning_write(const struct domm_uuid *migration, enum domm_tuning tuning, uint64_t value,
                      struct domm_error *err);

/* Whether the process has not acted on it yet. */
bool domm_tuning_waits(const struct domm_uuid *migration, enum domm_tuning tuning);

/* Removes the request. False if there is none, or what it says is no number. */
bool domm_tuning_take(const struct domm_uuid *migration, enum domm_tuning tuning,
                      uint64_t *value_r);

#endif
