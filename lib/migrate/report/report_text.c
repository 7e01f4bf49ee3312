/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/migrate/report/lane.h"
#include "lib/migrate/report/report.h"
#include "lib/migrate/report/timeline.h"

#define FEWEST_COLUMNS 40

static void print_span(FILE *out, const struct domm_report_guest *guest, enum domm_mark from,
                       enum domm_mark to)
{
    char text[DOMM_TIMELINE_TIME];
    domm_timeline_time(domm_report_span(guest, from, to), text);
    fprintf(out, " %8s", text);
}

static void print_guest(FILE *out, const struct domm_report_guest *guest)
{
    fprintf(out, "%-*.*s %6" PRIu64 " %7.1f %7.1f", DOMM_TIMELINE_NAME, DOMM_TIMELINE_NAME,
            guest->name, guest->rounds, (double)guest->bytes / 1e6,
            (double)guest->wire_bytes / 1e6);
    print_span(out, guest, DOMM_MARK_COPY, DOMM_MARK_STOP);
    print_span(out, guest, DOMM_MARK_STOP, DOMM_MARK_STOPPED);
    print_span(out, guest, DOMM_MARK_STOPPED, DOMM_MARK_SENT);
    print_span(out, guest, DOMM_MARK_SENT, DOMM_MARK_RESTORED);
    print_span(out, guest, DOMM_MARK_RESTORED, DOMM_MARK_RESUMED);
    print_span(out, guest, DOMM_MARK_STOPPED, DOMM_MARK_RESUMED);
    fputc('\n', out);
}

static void print_table(FILE *out, const struct domm_report *report)
{
    fprintf(out, "%-*s %6s %7s %7s %8s %8s %8s %8s %8s %8s\n", DOMM_TIMELINE_NAME, "guest",
            "rounds", "MB sent", "MB wire", "pre-copy", "suspend", "final", "restore", "resume",
            "downtime");
    for (unsigned int g = 0; g <= report->n_targets; g++)
        print_guest(out, &report->guests[g]);
}

static void print_target(FILE *out, const struct domm_report_guest *target)
{
    char stop[DOMM_TIMELINE_TIME], start[DOMM_TIMELINE_TIME];
    domm_timeline_time(domm_report_span(target, DOMM_MARK_CONVERGED, DOMM_MARK_STOP), stop);
    domm_timeline_time(domm_report_span(target, DOMM_MARK_RESTORED, DOMM_MARK_RESUMED), start);
    fprintf(out, "%s waited for the monitor: %s before its stop, %s before it ran again\n",
            target->name, stop, start);
    fprintf(out, "%s ran unmonitored: %" PRIu64 " ns of CPU time, %" PRIu64 " ns of wall time\n",
            target->name, target->unmonitored_cpu, target->unmonitored_wall);
}

/* A prediction that knows no earlier migration to that host lacks most of it. */
static void print_downtime(FILE *out, const struct domm_report *report)
{
    char real[DOMM_TIMELINE_TIME], predicted[DOMM_TIMELINE_TIME], limit[DOMM_TIMELINE_TIME];
    if (!report->predicted_copies)
        return;
    domm_timeline_time(domm_report_targets_downtime(report), real);
    domm_timeline_time(report->predicted_copies + report->predicted_rest, predicted);
    domm_timeline_time(report->downtime_limit, limit);
    fprintf(out, "the targets stood still for %s; predicted: %s%s", real,
            report->predicted_rest ? "" : "more than ", predicted);
    if (report->downtime_limit)
        fprintf(out, "; the limit: %s", limit);
    fputc('\n', out);
}

static void print_head(FILE *out, const struct domm_report *report)
{
    char total[DOMM_TIMELINE_TIME];
    domm_timeline_time(report->total, total);
    fprintf(out, "%s and %u target%s, %s to %s: %s, %s\n", report->guests[0].name,
            report->n_targets, report->n_targets == 1 ? "" : "s", report->source,
            report->destination, domm_report_outcome(report), total);
    if (report->unmonitored)
        fputs("FORCED: the targets were run although the monitor was not ready\n", out);
    if (report->restarted)
        fputs("the monitor was replaced by a fresh one\n", out);
    fputc('\n', out);
}

static void print_report(FILE *out, const struct domm_report *report, unsigned int columns)
{
    print_head(out, report);
    print_table(out, report);
    fputc('\n', out);
    for (unsigned int g = 1; g <= report->n_targets; g++)
        print_target(out, &report->guests[g]);
    print_downtime(out, report);
    fprintf(out, "%" PRIu64 " page-table entries were carried\n\n", report->ptes);
    uint64_t from, to;
    domm_timeline_draw(out, report, columns, 0, report->total);
    if (domm_lane_stop_window(report, &from, &to)) {
        fputs("\nAround the stop:\n", out);
        domm_timeline_draw(out, report, columns, from, to);
    }
    domm_timeline_legend(out, columns);
}

int domm_report_text(const struct domm_report *report, unsigned int columns, char **text_r,
                     struct domm_error *err)
{
    return domm_report_write(report, print_report,
                             columns < FEWEST_COLUMNS ? FEWEST_COLUMNS : columns, text_r, err);
}
