/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/domm/migrate_show.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd/domm/output.h"

#define BAR 16

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
static void put_bar(const struct migrate_bar *bar, const struct domm_message_guest *facts,
                    char *text, size_t size)
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

static void draw(const struct migrate_show *show, const struct domm_session *session)
{
    char line[256];
    int used =
        snprintf(line, sizeof(line), "%s", domm_migration_states[session->machine.state].name);
    unsigned int shown =
        domm_session_guest_count(session) < 3 ? domm_session_guest_count(session) : 2;
    for (unsigned int g = 0; g < shown && (size_t)used < sizeof(line); g++) {
        put_bar(&show->bars[g], &session->guests[g].facts, line + used,
                sizeof(line) - (size_t)used);
        used = (int)strlen(line);
    }
    domm_log_status(show->context->log, line);
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
    show->bars[guest] =
        (struct migrate_bar){progress->bytes, progress->dirty_pages, progress->rounds};
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
                        struct domm_session_callbacks *callbacks_r)
{
    memset(show_r, 0, sizeof(*show_r));
    show_r->context = context;
    *callbacks_r = (struct domm_session_callbacks){
        .context = show_r, .state = on_state, .progress = on_progress};
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
