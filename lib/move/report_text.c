/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lib/move/chart.h"
#include "lib/move/report.h"

#define FEWEST_COLUMNS 40

static void print_span(FILE *out, const struct domm_report_guest *guest, enum domm_mark from,
                       enum domm_mark to)
{
    char text[DOMM_CHART_TIME];
    domm_chart_time(domm_report_span(guest, from, to), text);
    fprintf(out, " %8s", text);
}

static void print_guest(FILE *out, const struct domm_report_guest *guest)
{
    fprintf(out, "%-*.*s %6" PRIu64 " %8.1f", DOMM_CHART_NAME, DOMM_CHART_NAME, guest->name,
            guest->rounds, (double)guest->bytes / 1e6);
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
    fprintf(out, "%-*s %6s %8s %8s %8s %8s %8s %8s %8s\n", DOMM_CHART_NAME, "guest", "rounds",
            "MB sent", "pre-copy", "suspend", "final", "restore", "resume", "downtime");
    for (unsigned int g = 0; g <= report->n_targets; g++)
        print_guest(out, &report->guests[g]);
}

static void print_target(FILE *out, const struct domm_report_guest *target)
{
    char stop[DOMM_CHART_TIME], start[DOMM_CHART_TIME];
    domm_chart_time(domm_report_span(target, DOMM_MARK_CONVERGED, DOMM_MARK_STOP), stop);
    domm_chart_time(domm_report_span(target, DOMM_MARK_RESTORED, DOMM_MARK_RESUMED), start);
    fprintf(out, "%s waited for domM: %s before its stop, %s before it ran again\n", target->name,
            stop, start);
    fprintf(out, "%s ran unmonitored: %" PRIu64 " ns of CPU time, %" PRIu64 " ns of wall time\n",
            target->name, target->unmonitored_cpu, target->unmonitored_wall);
}

static void print_head(FILE *out, const struct domm_report *report)
{
    char total[DOMM_CHART_TIME];
    domm_chart_time(report->total, total);
    fprintf(out, "%s and %u target%s, %s to %s: %s, %s\n", report->guests[0].name,
            report->n_targets, report->n_targets == 1 ? "" : "s", report->source,
            report->destination, domm_report_outcome(report), total);
    if (report->unmonitored)
        fputs("FORCED: the targets were run although domM was not ready\n", out);
    if (report->restarted)
        fputs("domM was replaced by a fresh one\n", out);
    fputc('\n', out);
}

/* From the first stop to the last guest that runs again or is ready; false if none stopped. */
static bool stop_window(const struct domm_report *report, uint64_t *from_r, uint64_t *to_r)
{
    *from_r = DOMM_NEVER;
    *to_r = 0;
    for (unsigned int g = 0; g <= report->n_targets; g++) {
        const uint64_t *marks = report->guests[g].marks;
        if (marks[DOMM_MARK_STOP] < *from_r)
            *from_r = marks[DOMM_MARK_STOP];
        for (enum domm_mark mark = DOMM_MARK_STOP; mark < DOMM_MARKS; mark++) {
            if (marks[mark] != DOMM_NEVER && marks[mark] > *to_r)
                *to_r = marks[mark];
        }
    }
    *to_r = *to_r < report->total ? *to_r : report->total;
    if (*from_r >= *to_r)
        return false;
    uint64_t margin = (*to_r - *from_r) / 16;
    *from_r -= margin < *from_r ? margin : *from_r;
    *to_r += margin < report->total - *to_r ? margin : report->total - *to_r;
    return true;
}

static void print_report(FILE *out, const struct domm_report *report, unsigned int columns)
{
    print_head(out, report);
    print_table(out, report);
    fputc('\n', out);
    for (unsigned int g = 1; g <= report->n_targets; g++)
        print_target(out, &report->guests[g]);
    fprintf(out, "%" PRIu64 " page-table entries were carried\n\n", report->ptes);
    uint64_t from, to;
    domm_chart_draw(out, report, columns, 0, report->total);
    if (stop_window(report, &from, &to)) {
        fputs("\nAround the stop:\n", out);
        domm_chart_draw(out, report, columns, from, to);
    }
    domm_chart_legend(out, columns);
}

int domm_report_text(const struct domm_report *report, unsigned int columns, char **text_r,
                     struct domm_error *err)
{
    size_t size;
    *text_r = NULL;
    FILE *out = open_memstream(text_r, &size);
    if (!out)
        return domm_no_memory(err);
    print_report(out, report, columns < FEWEST_COLUMNS ? FEWEST_COLUMNS : columns);
    bool failed = ferror(out);
    if (fclose(out) != 0 || failed) {
        free(*text_r);
        *text_r = NULL;
        return domm_no_memory(err);
    }
    return 0;
}
