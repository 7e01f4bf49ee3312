/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/domm/migrate_show.h"

#include <inttypes.h>
#include <stdio.h>

#include "cmd/domm/output.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"

#define FULL_BAR "=========="
#define BAR ((int)sizeof(FULL_BAR) - 1)
#define RATE_NS UINT64_C(900000000)

static void print_event(struct json_object *event)
{
    cleanup_free char *text =
        domm_json_format(event, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
    puts(text ? text : "null");
    fflush(stdout);
}

static struct json_object *new_event(const char *what, const struct domm_session *session)
{
    struct json_object *event = json_object_new_object();
    domm_json_text(event, "event", what);
    domm_json_number(event, "at_ns", domm_session_now(session));
    return event;
}

/* The bar is full once as much was sent as the guest has memory. */
static void put_bar(const struct domm_session *session, unsigned int g, bool padded, FILE *line)
{
    const struct domm_message_guest *facts = &session->guests[g].facts;
    const struct domm_report_guest *report = &session->report.guests[g];
    uint64_t whole = facts->memory_kib * 1024;
    int share = report->bytes < whole ? (int)(report->bytes * BAR / whole) : BAR;
    fprintf(line, "  %*.16s [%.*s%*s] %" PRIu64, padded ? -16 : 0, facts->name, share, FULL_BAR,
            BAR - share, "", report->bytes / 1000000);
    if (report->bytes < whole)
        fprintf(line, "/%" PRIu64, whole / 1000000);
    fputs(" MB", line);
    if (report->n_history)
        fprintf(line, ", %" PRIu64 " pages dirty",
                report->history[report->n_history - 1].dirty_pages);
}

/* All guests together, over a second at least. */
static void measure_rate(struct migrate_show *show, const struct domm_session *session)
{
    uint64_t now = domm_now_ns(), sent = 0;
    for (unsigned int g = 0; g < domm_session_guest_count(session); g++)
        sent += session->report.guests[g].bytes;
    if (show->sent_at_ns && now - show->sent_at_ns < RATE_NS)
        return;
    if (show->sent_at_ns)
        show->rate = (double)(sent - show->sent) * 1000 / (double)(now - show->sent_at_ns);
    show->sent = sent;
    show->sent_at_ns = now;
}

/* "copying, 4.1 MB/s, downtime about 2.3 s", and a bar for each guest, "domm1 [=====     ] 80/167
 * MB, 9 pages dirty": behind it, or each on a line of its own. *text_r is the caller's to free;
 * null if there is no memory. */
static void status_text(const struct migrate_show *show, const struct domm_session *session,
                        bool lines, char **text_r)
{
    const struct domm_prediction *prediction = &show->source->prediction;
    unsigned int guests = domm_session_guest_count(session);
    bool copying = session->machine.state == DOMM_SRC_COPYING;
    size_t size;
    *text_r = NULL;
    FILE *text = open_memstream(text_r, &size);
    if (!text)
        return;
    fputs(domm_migration_states[session->machine.state].name, text);
    if (copying && show->rate >= 0)
        fprintf(text, ", %.1f MB/s", show->rate);
    if (copying && domm_prediction_is_known(prediction, guests))
        fprintf(text, ", downtime %s %.1f s", prediction->rest_ns ? "about" : "over",
                (double)domm_prediction_downtime(prediction) / 1e9);
    for (unsigned int g = 0; g < guests; g++) {
        fputs(lines ? "\n" : "", text);
        put_bar(session, g, lines, text);
    }
    (void)fclose(text);
}

static void draw(const struct migrate_show *show, const struct domm_session *session)
{
    cleanup_free char *text = NULL;
    status_text(show, session, true, &text);
    if (text)
        domm_log_status(show->context->log, text);
}

static void say_status(const struct migrate_show *show, const struct domm_session *session)
{
    cleanup_free char *text = NULL;
    status_text(show, session, false, &text);
    if (text)
        domm_log(show->context->log, DOMM_LOG_INFO, "%s", text);
}

static void on_status(void *context, const struct domm_session *session, bool asked)
{
    struct migrate_show *show = context;
    measure_rate(show, session);
    if (asked)
        say_status(show, session);
    else if (!show->context->globals.json)
        draw(show, session);
}

static void on_state(void *context, const struct domm_session *session)
{
    struct migrate_show *show = context;
    const char *name = domm_migration_states[session->machine.state].name;
    if (show->context->globals.json) {
        cleanup_json struct json_object *event = new_event("state", session);
        domm_json_text(event, "state", name);
        print_event(event);
    } else {
        domm_log(show->context->log, DOMM_LOG_DETAIL, "%s", name);
        draw(show, session);
    }
}

static const char *migrate_show_name_of(enum domm_progress_kind kind)
{
    static const char *const names[] = {
        [DOMM_PROGRESS_ROUND] = "round",   [DOMM_PROGRESS_SUSPENDED] = "suspended",
        [DOMM_PROGRESS_SENT] = "sent",     [DOMM_PROGRESS_RESTORED] = "restored",
        [DOMM_PROGRESS_FAILED] = "failed", [DOMM_PROGRESS_ENDED] = "ended",
    };
    return names[kind];
}

static void on_progress(void *context, const struct domm_session *session, unsigned int guest,
                        const struct domm_progress *progress)
{
    struct migrate_show *show = context;
    if (progress->kind == DOMM_PROGRESS_ENDED)
        return;
    if (show->context->globals.json) {
        cleanup_json struct json_object *event =
            new_event(migrate_show_name_of(progress->kind), session);
        domm_json_text(event, "guest", session->guests[guest].facts.name);
        domm_json_number(event, "rounds", progress->rounds);
        domm_json_number(event, "dirty_pages", progress->dirty_pages);
        domm_json_number(event, "bytes", progress->bytes);
        domm_json_number(event, "took_ns", progress->took_ns);
        print_event(event);
    } else {
        domm_log(show->context->log, DOMM_LOG_VERBOSE,
                 "%s: %s, round %u, %" PRIu64 " pages dirty, %" PRIu64 " bytes sent",
                 session->guests[guest].facts.name, migrate_show_name_of(progress->kind),
                 progress->rounds, progress->dirty_pages, progress->bytes);
        draw(show, session);
    }
}

void migrate_show_begin(struct migrate_show *show_r, struct cmd_context *context,
                        const struct domm_source *source,
                        struct domm_session_callbacks *callbacks_r)
{
    *show_r = (struct migrate_show){.context = context, .source = source, .rate = -1};
    *callbacks_r = (struct domm_session_callbacks){
        .context = show_r, .state = on_state, .progress = on_progress, .status = on_status};
}

void migrate_show_end(struct migrate_show *show)
{
    domm_log_status(show->context->log, NULL);
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
    int rc = domm_report_text(report, cmd_columns(), &text, err);
    if (rc)
        return rc;
    fputs(text, stdout);
    return 0;
}
