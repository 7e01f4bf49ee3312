/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The progress of a migration, for other processes of this host: a file in /run/domm that is named
 * by the migration's UUID and its end. Its process writes it every second; it ends with it, or with
 * the boot. A JSON object:
 *
 *     {"state": "copying", "guests": [
 *         {"name": "domm1", "memory_bytes": 134217728, "rounds": 2, "sent_bytes": 1234567}]}
 */
#ifndef DOMM_MIGRATE_JOB_STATUS_H
#define DOMM_MIGRATE_JOB_STATUS_H

#include "lib/base/json.h"
#include "lib/migrate/session.h"

/* A failure does not matter. Nothing is written before the migration has a journal. */
void domm_job_status_write(const struct domm_session *session);
void domm_job_status_remove(const struct domm_session *session);

/* The caller's to put; null if there is none. Only root can write it. */
struct json_object *domm_job_status_read(const struct domm_uuid *migration, bool source);

#endif
