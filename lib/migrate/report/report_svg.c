/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/migrate/report/lane.h"
#include "lib/migrate/report/timeline.h"

#define WIDTH 960
#define LABELS 170 /* the column of names */
#define LANE 20
#define ROW 28
#define HEAD 56
#define PANEL_HEAD 34
#define AXIS 30
#define LEGEND_COLUMNS 3
#define LEGEND_ROW 22

static double plot_width(void)
{
    return WIDTH - LABELS - 20;
}

static void svg_write(FILE *out, double x, double y, const char *class, const char *text)
{
    fprintf(out, "<text class=\"%s\" x=\"%.1f\" y=\"%.1f\">", class, x, y);
    domm_lane_text(out, text);
    fputs("</text>\n", out);
}

static double svg_side(FILE *out, const struct domm_report *report, enum domm_lane_side side,
                       double y, uint64_t from, uint64_t to)
{
    svg_write(out, 16, y + 14, "host",
              side == DOMM_LANE_SOURCE ? report->source : report->destination);
    y += 22;
    for (unsigned int g = 0; g <= report->n_targets; g++, y += ROW) {
        const struct domm_lane_frame frame = {from, to, LABELS, y, plot_width(), LANE};
        char name[32];
        snprintf(name, sizeof(name), "%.24s", report->guests[g].name);
        svg_write(out, 28, y + 15, "name", name);
        fprintf(out, "<rect class=\"empty\" x=\"%d\" y=\"%.1f\" width=\"%.1f\" height=\"%d\"/>",
                LABELS, y, plot_width(), LANE);
        domm_lane_draw(out, report, g, side, &frame);
        fputc('\n', out);
    }
    return y + 4;
}

static void svg_axis(FILE *out, double y, uint64_t from, uint64_t to)
{
    for (unsigned int i = 0; i <= 4; i++) {
        char time[DOMM_TIMELINE_TIME];
        double x = LABELS + plot_width() * i / 4;
        domm_timeline_time(from + (to - from) / 4 * i, time);
        fprintf(out, "<path class=\"axis\" d=\"M%.1f %.1fv6\"/>", x, y);
        fprintf(out, "<text class=\"time\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", x,
                y + 20,
                i == 0   ? "start"
                : i == 4 ? "end"
                         : "middle",
                time);
    }
}

static double svg_panel(FILE *out, const struct domm_report *report, const char *title, double y,
                        uint64_t from, uint64_t to)
{
    svg_write(out, 16, y + 22, "title", title);
    y += PANEL_HEAD;
    y = svg_side(out, report, DOMM_LANE_SOURCE, y, from, to);
    y = svg_side(out, report, DOMM_LANE_DESTINATION, y, from, to);
    svg_axis(out, y, from, to);
    return y + AXIS;
}

static double svg_legend(FILE *out, double y)
{
    const char *class, *meaning;
    size_t i;
    for (i = 0; (class = domm_lane_phase(i, &meaning)); i++) {
        double x = 16 + (double)(i % LEGEND_COLUMNS) * (WIDTH - 32) / LEGEND_COLUMNS;
        double row = y + (double)(i / LEGEND_COLUMNS) * LEGEND_ROW;
        fprintf(out, "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"14\" height=\"14\"/>", class,
                x, row);
        svg_write(out, x + 20, row + 12, "name", meaning);
    }
    return y + (double)((i + LEGEND_COLUMNS - 1) / LEGEND_COLUMNS) * LEGEND_ROW + 8;
}

static double svg_height(const struct domm_report *report, bool stopped)
{
    double panel = PANEL_HEAD + 2 * (26 + ROW * (report->n_targets + 1.0)) + AXIS;
    return HEAD + (stopped ? 2 : 1) * panel + 16 + 3 * LEGEND_ROW + 8;
}

static void svg_report(FILE *out, const struct domm_report *report, unsigned int columns)
{
    (void)columns; /* of text only */
    char total[DOMM_TIMELINE_TIME], head[512];
    uint64_t from, to;
    bool stopped = domm_lane_stop_window(report, &from, &to);
    double height = svg_height(report, stopped), y = HEAD;
    domm_timeline_time(report->total, total);
    snprintf(head, sizeof(head), "%s and %u target%s: %s, %s", report->guests[0].name,
             report->n_targets, report->n_targets == 1 ? "" : "s", domm_report_outcome(report),
             total);
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %.0f\" width=\"%d\" "
            "height=\"%.0f\" font-family=\"sans-serif\">\n<style>%s"
            ".empty{fill:#f3f5f7}.axis{stroke:#666;fill:none}.title{font-size:15px;"
            "font-weight:bold}.host{font-size:12px;fill:#555}.name,.time{font-size:13px}"
            ".head{font-size:20px;font-weight:bold}</style>\n"
            "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
            WIDTH, height, WIDTH, height, domm_lane_style);
    svg_write(out, 16, 36, "head", head);
    y = svg_panel(out, report, "The whole migration", y, 0, report->total);
    if (stopped)
        y = svg_panel(out, report, "Around the stop", y, from, to);
    svg_legend(out, y + 16);
    fputs("</svg>\n", out);
}

int domm_report_svg(const struct domm_report *report, char **text_r, struct domm_error *err)
{
    return domm_report_write(report, svg_report, 0, text_r, err);
}
