/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <string.h>

#include "lib/base/log.h"
#include "lib/migrate/report/lane.h"
#include "lib/migrate/report/timeline.h"

static const char page_style[] =
    "*{box-sizing:border-box}body{font:16px/1.45 system-ui,sans-serif;color:#1b2733;margin:0 auto;"
    "max-width:60rem;padding:1rem}h1{font-size:1.5rem;margin:.2rem 0}h2{font-size:1.15rem;"
    "margin:1.8rem 0 .5rem}p{margin:.3rem 0}.by{color:#5a6875}"
    ".badge{display:inline-block;border-radius:1rem;padding:.1rem .8rem;color:#fff;"
    "background:#1f7a4d;font-weight:600}.badge.bad{background:#b03a48}"
    ".cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.6rem;"
    "margin:1rem 0}.card{border:1px solid #d5dde5;border-radius:.5rem;padding:.5rem .8rem}"
    ".card b{display:block;font-size:1.35rem;white-space:nowrap}.card span{color:#5a6875;"
    "font-size:.85rem}.lane{display:grid;grid-template-columns:9rem 1fr;gap:.5rem;"
    "align-items:center;margin:.2rem 0}.lane span{overflow:hidden;text-overflow:ellipsis;"
    "white-space:nowrap}.lane svg,.bars{display:block;width:100%;height:1.3rem;background:#f3f5f7;"
    "border-radius:.2rem}.bars{height:4.5rem}.bars rect{fill:#2b6cb0}.bars .dirty{fill:#d8b365}"
    ".host{font-weight:600;margin-top:.7rem}.axis{display:flex;justify-content:space-between;"
    "margin-left:9.5rem;color:#5a6875;font-size:.8rem}.legend{display:flex;flex-wrap:wrap;"
    "gap:.2rem 1.1rem;font-size:.85rem;margin-top:.8rem}.legend svg{width:.9rem;height:.9rem;"
    "vertical-align:-.1rem;margin-right:.35rem}.scroll{overflow-x:auto}table{border-collapse:"
    "collapse;width:100%;font-size:.9rem}th,td{padding:.3rem .6rem;text-align:right;"
    "border-bottom:1px solid #d5dde5;white-space:nowrap}th:first-child,td:first-child"
    "{text-align:left}.round{display:grid;grid-template-columns:repeat(auto-fit,minmax(17rem,1fr));"
    "gap:1rem}h3{font-size:1rem;margin:.4rem 0}.bars+p{margin-top:.6rem}"
    ".note{border-left:.3rem solid #b03a48;padding-left:.7rem}"
    "@media(max-width:34rem){body{padding:.7rem}.lane{grid-template-columns:1fr;gap:.05rem}"
    ".axis{margin-left:0}}"
    "@media print{body{font-size:10.5pt;max-width:none;padding:0}*{-webkit-print-color-adjust:"
    "exact;print-color-adjust:exact}section{break-inside:avoid}.scroll{overflow:visible}}";

static void html_time(FILE *out, const char *element, uint64_t ns)
{
    char text[DOMM_TIMELINE_TIME];
    domm_timeline_time(ns, text);
    fprintf(out, "<%s>%s</%s>", element, text, element);
}

static void html_card(FILE *out, uint64_t ns, const char *name, const char *what)
{
    fputs("<div class=\"card\">", out);
    html_time(out, "b", ns);
    fputs("<span>", out);
    domm_lane_text(out, name);
    fprintf(out, "%s</span></div>\n", what);
}

static void html_head(FILE *out, const struct domm_report *report)
{
    char began[DOMM_TIMESTAMP], uuid[DOMM_UUID_TEXT];
    const char *outcome = domm_report_outcome(report);
    domm_timestamp(&report->began, began);
    domm_uuid_format(&report->migration, uuid);
    fputs("<header><h1>", out);
    domm_lane_text(out, report->guests[0].name);
    fprintf(out, " and %u target%s</h1>\n<p>", report->n_targets,
            report->n_targets == 1 ? "" : "s");
    domm_lane_text(out, report->source);
    fputs(" \xe2\x86\x92 ", out);
    domm_lane_text(out, report->destination);
    fprintf(out, " <span class=\"badge%s\">%s</span></p>\n<p class=\"by\">%s, migration %s</p>\n",
            strcmp(outcome, "moved") == 0 ? "" : " bad", outcome, began, uuid);
    if (report->unmonitored)
        fputs("<p class=\"note\">FORCED: the targets were run although the monitor was not "
              "ready.</p>\n",
              out);
    if (report->restarted)
        fputs("<p class=\"note\">The monitor was replaced by a fresh one.</p>\n", out);
    fputs("</header>\n", out);
}

static void html_cards(FILE *out, const struct domm_report *report)
{
    fputs("<section class=\"cards\">\n", out);
    html_card(out, report->total, "the whole migration", "");
    for (unsigned int g = 0; g <= report->n_targets; g++)
        html_card(out, domm_report_downtime(&report->guests[g]), report->guests[g].name,
                  ": downtime");
    for (unsigned int g = 1; g <= report->n_targets; g++)
        html_card(out, report->guests[g].unmonitored_cpu, report->guests[g].name,
                  ": CPU time unmonitored");
    fputs("</section>\n", out);
}

static void html_side(FILE *out, const struct domm_report *report, enum domm_lane_side side,
                      uint64_t from, uint64_t to)
{
    static const struct domm_lane_frame whole = {.width = 1000, .height = 20};
    fputs("<p class=\"host\">", out);
    domm_lane_text(out, side == DOMM_LANE_SOURCE ? report->source : report->destination);
    fputs("</p>\n", out);
    for (unsigned int g = 0; g <= report->n_targets; g++) {
        struct domm_lane_frame frame = whole;
        frame.from = from;
        frame.to = to;
        fputs("<div class=\"lane\"><span>", out);
        domm_lane_text(out, report->guests[g].name);
        fputs("</span><svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1000 20\" "
              "preserveAspectRatio=\"none\">",
              out);
        domm_lane_draw(out, report, g, side, &frame);
        fputs("</svg></div>\n", out);
    }
}

static void html_lines(FILE *out, const struct domm_report *report, const char *title,
                       uint64_t from, uint64_t to)
{
    fprintf(out, "<section><h2>%s</h2>\n", title);
    html_side(out, report, DOMM_LANE_SOURCE, from, to);
    html_side(out, report, DOMM_LANE_DESTINATION, from, to);
    fputs("<div class=\"axis\">", out);
    for (unsigned int i = 0; i <= 4; i++)
        html_time(out, "span", from + (to - from) / 4 * i);
    fputs("</div></section>\n", out);
}

static void html_legend(FILE *out)
{
    const char *class, *meaning;
    fputs("<div class=\"legend\">", out);
    for (size_t i = 0; (class = domm_lane_phase(i, &meaning)); i++)
        fprintf(out,
                "<span><svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 10 10\"><rect "
                "class=\"%s\" width=\"10\" height=\"10\"/></svg>%s</span>\n",
                class, meaning);
    fputs("</div>\n", out);
}

static void html_row(FILE *out, const struct domm_report *report, const char *name,
                     enum domm_mark from, enum domm_mark to)
{
    fprintf(out, "<tr><td>%s</td>", name);
    for (unsigned int g = 0; g <= report->n_targets; g++)
        html_time(out, "td", domm_report_span(&report->guests[g], from, to));
    fputs("</tr>\n", out);
}

static void html_bytes(FILE *out, const struct domm_report *report, bool wire)
{
    fprintf(out, "<tr><td>%s</td>", wire ? "sent, on the wire" : "sent");
    for (unsigned int g = 0; g <= report->n_targets; g++) {
        const struct domm_report_guest *guest = &report->guests[g];
        fprintf(out, "<td>%.1f MB</td>", (double)(wire ? guest->wire_bytes : guest->bytes) / 1e6);
    }
    fputs("</tr>\n", out);
}

/* A column for each guest: a pair is narrow enough for a phone. */
static void html_table(FILE *out, const struct domm_report *report)
{
    fputs("<section><h2>Durations</h2><div class=\"scroll\"><table><tr><th></th>", out);
    for (unsigned int g = 0; g <= report->n_targets; g++) {
        fputs("<th>", out);
        domm_lane_text(out, report->guests[g].name);
        fputs("</th>", out);
    }
    fputs("</tr>\n", out);
    html_row(out, report, "pre-copy", DOMM_MARK_COPY, DOMM_MARK_STOP);
    html_row(out, report, "waited to stop", DOMM_MARK_CONVERGED, DOMM_MARK_STOP);
    html_row(out, report, "suspend", DOMM_MARK_STOP, DOMM_MARK_STOPPED);
    html_row(out, report, "final copy", DOMM_MARK_STOPPED, DOMM_MARK_SENT);
    html_row(out, report, "restore", DOMM_MARK_SENT, DOMM_MARK_RESTORED);
    html_row(out, report, "waited to run", DOMM_MARK_RESTORED, DOMM_MARK_RESUMED);
    html_row(out, report, "until ready", DOMM_MARK_RESUMED, DOMM_MARK_READY);
    html_row(out, report, "downtime", DOMM_MARK_STOPPED, DOMM_MARK_RESUMED);
    html_bytes(out, report, false);
    html_bytes(out, report, true);
    fputs("</table></div></section>\n", out);
}

/* What a round sent: its bytes are counted from the beginning of the stream. */
static uint64_t sent_in(const struct domm_report_guest *guest, unsigned int i)
{
    uint64_t before = i ? guest->history[i - 1].bytes : 0, now = guest->history[i].bytes;
    return now > before ? now - before : 0;
}

/* A bar for each round: the bytes it sent, or the pages that were dirty after it. */
static void html_bars(FILE *out, const struct domm_report_guest *guest, bool dirty)
{
    uint64_t most = 1;
    for (unsigned int i = 0; i < guest->n_history; i++) {
        uint64_t value = dirty ? guest->history[i].dirty_pages : sent_in(guest, i);
        most = value > most ? value : most;
    }
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"bars\" viewBox=\"0 0 %u 100\" "
            "preserveAspectRatio=\"none\">",
            10 * (guest->n_history > 8 ? guest->n_history : 8));
    for (unsigned int i = 0; i < guest->n_history; i++) {
        uint64_t value = dirty ? guest->history[i].dirty_pages : sent_in(guest, i);
        double height = 96 * (double)value / (double)most;
        fprintf(out, "<rect%s x=\"%u\" y=\"%.1f\" width=\"8\" height=\"%.1f\"/>",
                dirty ? " class=\"dirty\"" : "", 10 * i + 1, 100 - height, height);
    }
    fputs("</svg>\n", out);
}

static void html_rounds_of(FILE *out, const struct domm_report_guest *guest)
{
    fputs("<div><h3>", out);
    domm_lane_text(out, guest->name);
    fputs("</h3><p class=\"by\">MB sent per round</p>", out);
    html_bars(out, guest, false);
    fputs("<p class=\"by\">pages dirty after it</p>", out);
    html_bars(out, guest, true);
    fputs("<table><tr><th>round</th><th>ended at</th><th>MB sent</th><th>pages dirty</th></tr>\n",
          out);
    for (unsigned int i = 0; i < guest->n_history; i++) {
        fprintf(out, "<tr><td>%u</td>", i + 1);
        html_time(out, "td", guest->history[i].at);
        fprintf(out, "<td>%.1f</td><td>%" PRIu64 "</td></tr>\n", (double)sent_in(guest, i) / 1e6,
                guest->history[i].dirty_pages);
    }
    fputs("</table></div>\n", out);
}

static void html_rounds(FILE *out, const struct domm_report *report)
{
    unsigned int all = 0;
    for (unsigned int g = 0; g <= report->n_targets; g++)
        all += report->guests[g].n_history;
    if (!all)
        return;
    fputs("<h2>Rounds of pre-copy</h2><div class=\"round\">\n", out);
    for (unsigned int g = 0; g <= report->n_targets; g++) {
        if (report->guests[g].n_history)
            html_rounds_of(out, &report->guests[g]);
    }
    fputs("</div>\n", out);
}

static void html_report(FILE *out, const struct domm_report *report, unsigned int columns)
{
    (void)columns; /* of text only */
    uint64_t from, to;
    fputs("<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\"><head>"
          "<meta charset=\"utf-8\"/><meta name=\"viewport\" content=\"width=device-width, "
          "initial-scale=1\"/><title>",
          out);
    domm_lane_text(out, report->guests[0].name);
    fprintf(out, ": %s</title><style>%s%s</style></head><body>\n", domm_report_outcome(report),
            page_style, domm_lane_style);
    html_head(out, report);
    html_cards(out, report);
    html_lines(out, report, "The whole migration", 0, report->total);
    html_legend(out);
    if (domm_lane_stop_window(report, &from, &to))
        html_lines(out, report, "Around the stop", from, to);
    html_table(out, report);
    html_rounds(out, report);
    fprintf(out, "<p class=\"by\">%" PRIu64 " page-table entries were carried.</p>\n",
            report->ptes);
    fputs("</body></html>\n", out);
}

int domm_report_html(const struct domm_report *report, char **text_r, struct domm_error *err)
{
    return domm_report_write(report, html_report, 0, text_r, err);
}
