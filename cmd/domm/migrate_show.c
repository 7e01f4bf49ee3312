/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/domm/migrate_show.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define BAR 16
#define COLUMNS 80

static void print_event(struct json_object *event)
{
    puts(json_object_to_json_string_ext(event,
                                        JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    fflush(stdout);
}

static struct json_object *new_event(const char *what, const struct domm_end *end)
{
    struct json_object *event = json_object_new_object();
    domm_json_text(event, "event", what);
    domm_json_number(event, "at_ns", domm_end_now(end));
    return event;
}

/* What is sent of a guest's memory for the first time; then it is full. */
static void put_bar(const struct migrate_bar *bar, const struct domm_wire_guest *facts, char *text,
                    size_t size)
{
    uint64_t whole = facts->memory_kib * 1024;
    uint64_t share = bar->bytes < whole ? bar->bytes * BAR / whole : BAR;
    char drawn[BAR + 1];
    memset(drawn, ' ', BAR);
    memset(drawn, '=', share);
    drawn[BAR] = '\0';
    snprintf(text, size, "  %.16s [%s] %" PRIu64 " MB", facts->name, drawn, bar->bytes / 1000000);
    size_t used = strlen(text);
    if (bar->rounds)
        snprintf(text + used, size - used, ", %" PRIu64 " dirty", bar->dirty_pages);
}

static void draw(const struct migrate_show *show, const struct domm_end *end)
{
    char line[256];
    int used = snprintf(line, sizeof(line), "%s", domm_states[end->machine.state].name);
    unsigned int shown = domm_end_guests(end) < 3 ? domm_end_guests(end) : 2;
    for (unsigned int g = 0; g < shown && (size_t)used < sizeof(line); g++) {
        put_bar(&show->bars[g], &end->guests[g].facts, line + used, sizeof(line) - (size_t)used);
        used = (int)strlen(line);
    }
    domm_log_status(show->context->log, line);
}

static void on_state(void *context, const struct domm_end *end)
{
    struct migrate_show *show = context;
    const char *name = domm_states[end->machine.state].name;
    if (show->context->globals.json) {
        cleanup_json struct json_object *event = new_event("state", end);
        domm_json_text(event, "state", name);
        print_event(event);
    } else {
        domm_log(show->context->log, DOMM_LOG_DETAIL, "%s", name);
        draw(show, end);
    }
}

static const char *name_of(enum domm_news_kind kind)
{
    static const char *const names[] = {
        [DOMM_NEWS_ROUND] = "round",   [DOMM_NEWS_SUSPENDED] = "suspended",
        [DOMM_NEWS_SENT] = "sent",     [DOMM_NEWS_RESTORED] = "restored",
        [DOMM_NEWS_FAILED] = "failed", [DOMM_NEWS_ENDED] = "ended",
    };
    return names[kind];
}

static void on_news(void *context, const struct domm_end *end, unsigned int guest,
                    const struct domm_news *news)
{
    struct migrate_show *show = context;
    show->bars[guest] = (struct migrate_bar){news->bytes, news->dirty_pages, news->rounds};
    if (news->kind == DOMM_NEWS_ENDED)
        return;
    if (show->context->globals.json) {
        cleanup_json struct json_object *event = new_event(name_of(news->kind), end);
        domm_json_text(event, "guest", end->guests[guest].facts.name);
        domm_json_number(event, "rounds", news->rounds);
        domm_json_number(event, "dirty_pages", news->dirty_pages);
        domm_json_number(event, "bytes", news->bytes);
        domm_json_number(event, "took_ns", news->took_ns);
        print_event(event);
    } else {
        domm_log(show->context->log, DOMM_LOG_VERBOSE,
                 "%s: %s, round %u, %" PRIu64 " pages dirty, %" PRIu64 " bytes sent",
                 end->guests[guest].facts.name, name_of(news->kind), news->rounds,
                 news->dirty_pages, news->bytes);
        draw(show, end);
    }
}

void migrate_show_begin(struct migrate_show *show_r, struct cmd_context *context,
                        struct domm_spectator *spectator_r)
{
    memset(show_r, 0, sizeof(*show_r));
    show_r->context = context;
    *spectator_r = (struct domm_spectator){.context = show_r, .state = on_state, .news = on_news};
}

void migrate_show_end(struct migrate_show *show)
{
    domm_log_status(show->context->log, NULL);
}

static unsigned int columns(void)
{
    struct winsize size;
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col)
        return size.ws_col < 160 ? size.ws_col : 160;
    return COLUMNS;
}

int migrate_show_report(const struct cmd_context *context, const struct domm_report *report,
                        struct domm_error *err)
{
    if (context->globals.json) {
        cleanup_json struct json_object *json = domm_report_json(report);
        domm_json_text(json, "event", "report");
        print_event(json);
        return 0;
    }
    cleanup_free char *text = NULL;
    int rc = domm_report_text(report, columns(), &text, err);
    if (!rc)
        fputs(text, stdout);
    return rc;
}
