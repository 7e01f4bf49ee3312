/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Time lines of guests, in characters. */
#ifndef DOMM_MOVE_CHART_H
#define DOMM_MOVE_CHART_H

#include <stdio.h>

#include "lib/move/report.h"

#define DOMM_CHART_NAME 16 /* columns a guest's name may take */

/* One row per guest for the time from one instant to a later one, and an axis. A column in which a
 * guest stands still shows that, however short it is. */
void domm_chart_draw(FILE *out, const struct domm_report *report, unsigned int columns,
                     uint64_t from, uint64_t to);

/* What the characters mean. */
void domm_chart_legend(FILE *out, unsigned int columns);

/* A time with a unit and about four digits. */
#define DOMM_CHART_TIME 24
void domm_chart_time(uint64_t ns, char text_r[DOMM_CHART_TIME]);

#endif
