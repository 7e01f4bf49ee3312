/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Time lines of guests, in characters. */
#ifndef DOMM_MIGRATE_REPORT_TIMELINE_H
#define DOMM_MIGRATE_REPORT_TIMELINE_H

#include <stdio.h>

#include "lib/migrate/report/report.h"

#define DOMM_TIMELINE_NAME 16 /* columns a guest's name may take */

/* One row per guest for the time between two instants, and an axis. A column in which a guest
 * stands still shows that, however short the standstill is. */
void domm_timeline_draw(FILE *out, const struct domm_report *report, unsigned int columns,
                        uint64_t from, uint64_t to);

/* The legend. */
void domm_timeline_legend(FILE *out, unsigned int columns);

/* A time with a unit and about four digits. */
#define DOMM_TIMELINE_TIME 24
void domm_timeline_time(uint64_t ns, char text_r[DOMM_TIMELINE_TIME]);

#endif
