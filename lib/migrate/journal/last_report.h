/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the reports that are kept beside the journals tell about the next migration. */
#ifndef DOMM_MIGRATE_JOURNAL_LAST_REPORT_H
#define DOMM_MIGRATE_JOURNAL_LAST_REPORT_H

#include <stdint.h>

/* How much longer the targets stood still than the final copies were predicted to take, in ns, in
 * the last migration from here to this host that ended as it should (prediction.h); 0 if no report
 * tells. */
uint64_t domm_last_report_rest(const char *destination);

#endif
