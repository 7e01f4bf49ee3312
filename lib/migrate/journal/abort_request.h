/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A request that a migration be aborted, by another process of either host: a file in /run/domm
 * that is named by the migration's UUID, for the process of the migration on that host.
 */
#ifndef DOMM_MIGRATE_JOURNAL_ABORT_REQUEST_H
#define DOMM_MIGRATE_JOURNAL_ABORT_REQUEST_H

#include <stdbool.h>

#include "lib/base/error.h"
#include "lib/base/uuid.h"

/* The process acts on it within a second. */
int domm_abort_request_write(const struct domm_uuid *migration, struct domm_error *err);

/* Removes the request; whether there was one. */
bool domm_abort_request_take(const struct domm_uuid *migration);

#endif
