/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The reports that this host has kept as a source, beside the journals. */
#ifndef DOMM_MIGRATE_REPORT_REPORT_FILES_H
#define DOMM_MIGRATE_REPORT_REPORT_FILES_H

#include <time.h>

#include "lib/migrate/report/report.h"

struct domm_report_file {
    char id[DOMM_UUID_TEXT]; /* of the migration */
    struct timespec kept;
};

/* Lists them, the newest first. *files_r is the caller's to free. No directory is no report;
 * DOMM_NOT_PERMITTED if it cannot be read. */
int domm_report_files(struct domm_report_file **files_r, size_t *count_r, struct domm_error *err);

/* Reads one by its migration. DOMM_NOT_FOUND; DOMM_REFUSED if it is malformed. */
int domm_report_load(const char *id, struct domm_report *report_r, struct domm_error *err);

/* The same for a file elsewhere. */
int domm_report_read(const char *path, struct domm_report *report_r, struct domm_error *err);

/* Finds the one file whose migration begins with the text; null or empty: the newest.
 * DOMM_NOT_FOUND; DOMM_USAGE if there are several. */
int domm_report_find(const struct domm_report_file *files, size_t count, const char *text,
                     const struct domm_report_file **file_r, struct domm_error *err);

#endif
