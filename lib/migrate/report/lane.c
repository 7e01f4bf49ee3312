/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/migrate/report/lane.h"

const char domm_lane_style[] =
    ".run{fill:#4c9f70}.copy{fill:#8fc1e3}.wait{fill:#d8b365}.suspend{fill:#e07b39}"
    ".final{fill:#2b6cb0}.receive{fill:#dce6ef}.restore{fill:#a3b8cc}.stand{fill:#b03a48}"
    ".ready{fill:#1f7a4d}.tick{fill:#12324a}";

static const struct {
    const char *class, *meaning;
} phases[] = {
    {"run", "runs"},
    {"copy", "runs, is copied; a tick ends a round"},
    {"wait", "runs, waits for the others"},
    {"suspend", "suspends"},
    {"final", "stopped: final copy"},
    {"receive", "arrives"},
    {"restore", "is restored"},
    {"stand", "stopped: waits"},
    {"ready", "runs, monitored; of the monitor: ready"},
};

const char *domm_lane_phase(size_t i, const char **meaning_r)
{
    if (i >= sizeof(phases) / sizeof(*phases))
        return NULL;
    *meaning_r = phases[i].meaning;
    return phases[i].class;
}

static void draw_box(FILE *out, const struct domm_lane_frame *frame, const char *class,
                     uint64_t from, uint64_t to)
{
    double span = (double)(frame->to - frame->from);
    from = from > frame->from ? from : frame->from;
    to = to < frame->to ? to : frame->to;
    if (from >= to)
        return;
    fprintf(out, "<rect class=\"%s\" x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"%.1f\"/>", class,
            frame->x + frame->width * (double)(from - frame->from) / span, frame->y,
            frame->width * (double)(to - from) / span, frame->height);
}

struct phase_begin {
    enum domm_mark mark;
    const char *class;
};

/* Whether the guests run at the destination in the end. */
static bool went(const struct domm_report *report)
{
    return report->state == DOMM_SRC_MOVED || report->state == DOMM_SRC_UNCONFIRMED;
}

/* Each phase lasts until the next one that was reached, the last one until `end`. */
static void draw_phases(FILE *out, const struct domm_lane_frame *frame, const uint64_t *marks,
                        const struct phase_begin *begins, size_t count, uint64_t end)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t from = marks[begins[i].mark], to = end;
        for (size_t next = count; next-- > i + 1;)
            to = marks[begins[next].mark] < to ? marks[begins[next].mark] : to;
        if (from != DOMM_NEVER && begins[i].class)
            draw_box(out, frame, begins[i].class, from, to);
    }
}

static void draw_source(FILE *out, const struct domm_report *report, unsigned int guest,
                        const struct domm_lane_frame *frame)
{
    static const struct phase_begin begins[] = {{DOMM_MARK_COPY, "copy"},
                                                {DOMM_MARK_CONVERGED, "wait"},
                                                {DOMM_MARK_STOP, "suspend"},
                                                {DOMM_MARK_STOPPED, "final"},
                                                {DOMM_MARK_SENT, NULL}};
    const struct domm_report_guest *one = &report->guests[guest];
    const uint64_t *marks = one->marks;
    uint64_t back = went(report) ? DOMM_NEVER : marks[DOMM_MARK_RESUMED];
    uint64_t end = back < report->total ? back : report->total;
    draw_box(out, frame, "run", 0, marks[DOMM_MARK_COPY] < end ? marks[DOMM_MARK_COPY] : end);
    draw_phases(out, frame, marks, begins, sizeof(begins) / sizeof(*begins), end);
    if (back != DOMM_NEVER)
        draw_box(out, frame, "ready", back, report->total);
    for (unsigned int i = 0; i < one->n_history; i++) {
        uint64_t wide = (frame->to - frame->from) / 500 + 1;
        if (one->history[i].at >= frame->from)
            draw_box(out, frame, "tick", one->history[i].at, one->history[i].at + wide);
    }
}

static void draw_destination(FILE *out, const struct domm_report *report, unsigned int guest,
                             const struct domm_lane_frame *frame)
{
    static const struct phase_begin monitor[] = {{DOMM_MARK_COPY, "receive"},
                                                 {DOMM_MARK_SENT, "restore"},
                                                 {DOMM_MARK_RESTORED, "stand"},
                                                 {DOMM_MARK_RESUMED, "run"},
                                                 {DOMM_MARK_READY, "ready"}};
    static const struct phase_begin target[] = {{DOMM_MARK_COPY, "receive"},
                                                {DOMM_MARK_SENT, "restore"},
                                                {DOMM_MARK_RESTORED, "stand"},
                                                {DOMM_MARK_RESUMED, "ready"}};
    const uint64_t *marks = report->guests[guest].marks;
    if (!went(report))
        draw_phases(out, frame, marks, target, 1,
                    marks[DOMM_MARK_SENT] < report->total ? marks[DOMM_MARK_SENT] : report->total);
    else if (guest)
        draw_phases(out, frame, marks, target, sizeof(target) / sizeof(*target), report->total);
    else
        draw_phases(out, frame, marks, monitor, sizeof(monitor) / sizeof(*monitor), report->total);
}

void domm_lane_draw(FILE *out, const struct domm_report *report, unsigned int guest,
                    enum domm_lane_side side, const struct domm_lane_frame *frame)
{
    if (frame->to <= frame->from)
        return;
    if (side == DOMM_LANE_SOURCE)
        draw_source(out, report, guest, frame);
    else
        draw_destination(out, report, guest, frame);
}

bool domm_lane_stop_window(const struct domm_report *report, uint64_t *from_r, uint64_t *to_r)
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

void domm_lane_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '&')
            fputs("&amp;", out);
        else if (*text == '<')
            fputs("&lt;", out);
        else if (*text == '>')
            fputs("&gt;", out);
        else if (*text == '"')
            fputs("&quot;", out);
        else
            fputc(*text, out);
    }
}
