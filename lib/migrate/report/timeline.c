/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/migrate/report/timeline.h"

#include <inttypes.h>
#include <string.h>

struct phase {
    char sign;
    bool still; /* the guest does not run */
    const char *meaning;
};

/* The phase that each mark begins. */
static const struct phase phases[DOMM_MARKS] = {
    [DOMM_MARK_COPY] = {'=', false, "pre-copy"},
    [DOMM_MARK_CONVERGED] = {'~', false, "converged, waits for the others"},
    [DOMM_MARK_STOP] = {'s', false, "suspends"},
    [DOMM_MARK_STOPPED] = {'#', true, "final copy"},
    [DOMM_MARK_SENT] = {'r', true, "restored"},
    [DOMM_MARK_RESTORED] = {'-', true, "waits, stopped"},
    [DOMM_MARK_RESUMED] = {'>', false, "runs again"},
    [DOMM_MARK_READY] = {'+', false, "monitor ready"},
};

/* The end of a phase is the next mark that was reached. */
static uint64_t phase_end(const struct domm_report_guest *guest, enum domm_mark mark)
{
    while (++mark < DOMM_MARKS) {
        if (guest->marks[mark] != DOMM_NEVER)
            return guest->marks[mark];
    }
    return DOMM_NEVER;
}

/* The longest phase in a column; if the guest stands still in the column, the longest of those in
 * which it does. */
static char sign_between(const struct domm_report_guest *guest, uint64_t from, uint64_t to)
{
    char sign = ' ';
    bool still = false;
    uint64_t most = 0;
    for (enum domm_mark mark = 0; mark < DOMM_MARKS; mark++) {
        uint64_t begin = guest->marks[mark], end = phase_end(guest, mark);
        begin = begin > from ? begin : from;
        end = end < to ? end : to;
        if (guest->marks[mark] == DOMM_NEVER || begin >= end || (still && !phases[mark].still))
            continue;
        if (end - begin > most || (phases[mark].still && !still)) {
            most = end - begin;
            sign = phases[mark].sign;
            still = phases[mark].still;
        }
    }
    return sign;
}

void domm_timeline_time(uint64_t ns, char text_r[DOMM_TIMELINE_TIME])
{
    static const struct {
        const char *unit;
        double ns;
    } units[] = {{"s", 1e9}, {"ms", 1e6}, {"us", 1e3}};
    if (ns == DOMM_NEVER) {
        strcpy(text_r, "-");
        return;
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
        double value = (double)ns / units[i].ns;
        if (value < 1)
            continue;
        snprintf(text_r, DOMM_TIMELINE_TIME, "%.*f %s",
                 value < 10    ? 3
                 : value < 100 ? 2
                               : 1,
                 value, units[i].unit);
        return;
    }
    snprintf(text_r, DOMM_TIMELINE_TIME, "%" PRIu64 " ns", ns);
}

/* The time at which a column begins; exact for any 64-bit times. */
static uint64_t instant(uint64_t from, uint64_t to, unsigned int column, unsigned int width)
{
    uint64_t span = to - from;
    return from + span / width * column + span % width * column / width;
}

static void draw_axis(FILE *out, int indent, int width, uint64_t from, uint64_t to)
{
    char left[DOMM_TIMELINE_TIME], right[DOMM_TIMELINE_TIME];
    domm_timeline_time(from, left);
    domm_timeline_time(to, right);
    fprintf(out, "%*s %-*s%*s\n", indent, "", width / 2, left, width - width / 2, right);
}

static int name_width(const struct domm_report *report)
{
    size_t longest = 0;
    for (unsigned int g = 0; g <= report->n_targets; g++) {
        size_t length = strnlen(report->guests[g].name, DOMM_TIMELINE_NAME);
        longest = length > longest ? length : longest;
    }
    return (int)longest;
}

void domm_timeline_draw(FILE *out, const struct domm_report *report, unsigned int columns,
                        uint64_t from, uint64_t to)
{
    int indent = name_width(report);
    unsigned int width = columns - (unsigned int)indent - 1;
    for (unsigned int g = 0; g <= report->n_targets; g++) {
        const struct domm_report_guest *guest = &report->guests[g];
        fprintf(out, "%-*.*s ", indent, indent, guest->name);
        for (unsigned int x = 0; x < width; x++) {
            uint64_t begin = instant(from, to, x, width), end = instant(from, to, x + 1, width);
            fputc(sign_between(guest, begin, end > begin ? end : begin + 1), out);
        }
        fputc('\n', out);
    }
    draw_axis(out, indent, (int)width, from, to);
}

void domm_timeline_legend(FILE *out, unsigned int columns)
{
    size_t used = 0;
    for (enum domm_mark mark = 0; mark < DOMM_MARKS; mark++) {
        size_t length = strlen(phases[mark].meaning) + 2;
        if (used && used + 3 + length > columns) {
            fputc('\n', out);
            used = 0;
        }
        used += (size_t)fprintf(out, "%s%c %s", used ? "   " : "", phases[mark].sign,
                                phases[mark].meaning);
    }
    fputc('\n', out);
}
