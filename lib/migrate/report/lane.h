/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest's time line at one host, as rectangles of SVG; for the picture and the page. */
#ifndef DOMM_MIGRATE_REPORT_LANE_H
#define DOMM_MIGRATE_REPORT_LANE_H

#include <stdio.h>

#include "lib/migrate/report/report.h"

enum domm_lane_side { DOMM_LANE_SOURCE, DOMM_LANE_DESTINATION };

/* A part of a report's time, drawn into a rectangle. */
struct domm_lane_frame {
    uint64_t from, to;
    double x, y, width, height;
};

/* The colours, as rules of CSS. */
extern const char domm_lane_style[];

/* The legend: the class of a phase and its meaning; null after the last. */
const char *domm_lane_phase(size_t i, const char **meaning_r);

/* Draws what the guest does at that side, and a tick for each round. */
void domm_lane_draw(FILE *out, const struct domm_report *report, unsigned int guest,
                    enum domm_lane_side side, const struct domm_lane_frame *frame);

/* The time around the stop; false if no guest stopped. */
bool domm_lane_stop_window(const struct domm_report *report, uint64_t *from_r, uint64_t *to_r);

/* Has a report printed into a text, which is the caller's to free. columns is for print alone. */
int domm_report_write(const struct domm_report *report,
                      void (*print)(FILE *out, const struct domm_report *report,
                                    unsigned int columns),
                      unsigned int columns, char **text_r, struct domm_error *err);

/* Writes a text with what XML needs escaped. */
void domm_lane_text(FILE *out, const char *text);

#endif
