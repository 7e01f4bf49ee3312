/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/domm/arguments.h"
#include "cmd/domm/commands.h"
#include "cmd/domm/defaults.h"
#include "cmd/domm/interrupts.h"
#include "cmd/domm/migrate.h"
#include "cmd/domm/migrate_show.h"
#include "cmd/domm/migration_hooks.h"
#include "cmd/domm/migration_log.h"
#include "cmd/domm/ssh_command.h"
#include "lib/migrate/source.h"

#define MAX_SECONDS 86400
#define MAX_MIB 1000000

struct migrate_request {
    struct domm_source_options options;
    struct domm_settings of_pair;
    struct cmd_ssh ssh;
};

static int permit_unsafe(struct domm_error *err)
{
    const char *unsafe = getenv("DOMM_UNSAFE");
    if (unsafe && strcmp(unsafe, "1") == 0)
        return 0;
    domm_fail(err, DOMM_USAGE, "--no-sync runs targets unmonitored");
    return domm_hint(err, "it is only for domm's own tests, which set DOMM_UNSAFE=1");
}

/* The values of an option are listed in the order of their enumeration. */
static int take_option(struct migrate_request *request, const struct cmd_parsed_option *option,
                       struct domm_error *err)
{
    struct domm_source_options *options = &request->options;
    unsigned long n = 0;
    int rc;
    switch (option->id) {
    case 's':
        return cmd_ssh_replace(&request->ssh, option->value, err);
    case 'd':
        options->data = (enum domm_data)option->choice;
        return 0;
    case 'b':
        rc = cmd_option_number("--bandwidth", option->value, MAX_MIB, &n, err);
        options->bytes_per_s = (uint64_t)n << 20;
        return rc;
    case 'm':
        rc = cmd_option_number("--max-downtime", option->value, MAX_SECONDS * 1000ul, &n, err);
        options->max_downtime_ms = (unsigned)n;
        return rc;
    case 't':
        rc = cmd_option_number("--timeout", option->value, MAX_SECONDS, &n, err);
        options->timeout_s = (unsigned)n;
        return rc;
    case 'o':
        options->force_busy = option->choice == 1;
        return 0;
    case 'r':
        options->on_not_ready = (enum domm_on_not_ready)option->choice;
        return 0;
    case 'p':
        options->paused = true;
        return 0;
    case OPTION_DEBUG:
        options->verify = true;
        return 0;
    case 'U':
        options->unsynchronised = true;
        return permit_unsafe(err);
    default: /* one of domm's global options */
        return 0;
    }
}

/* What the command line has comes later, and counts. */
static int take_defaults(struct migrate_request *request, struct domm_error *err)
{
    struct cmd_defaults defaults;
    int rc = cmd_defaults_read(cmd_migrate_options, &defaults, err);
    if (!rc)
        rc = cmd_defaults_override(&defaults, &request->of_pair, err);
    for (size_t i = 0; !rc && i < defaults.count; i++) {
        const struct cmd_default *item = &defaults.items[i];
        rc = item->parsed.value ? take_option(request, &item->parsed, err) : 0;
        if (rc && item->where) {
            domm_wrap(err, "%s", item->where);
            err->code = DOMM_REFUSED;
            rc = -DOMM_REFUSED;
        }
    }
    cmd_defaults_free(&defaults);
    return rc;
}

static int take_ssh(struct migrate_request *request, struct domm_error *err)
{
    int rc = cmd_ssh_build(&request->ssh, request->options.host, err);
    if (rc)
        return rc;
    if (request->options.host[0] == '-')
        return domm_fail(err, DOMM_USAGE, "'%s' is not a host name", request->options.host);
    request->options.ssh = request->ssh.words;
    return 0;
}

static int migrate_parse(const struct cmd_context *context, const struct cmd_arguments *arguments,
                         struct migrate_request *request, struct domm_error *err)
{
    *request = (struct migrate_request){.options = {.pair = arguments->operands[0],
                                                    .host = arguments->operands[1],
                                                    .preflight = context->globals.dry_run}};
    cmd_settings_read(arguments->operands[0], &request->of_pair);
    int rc = take_defaults(request, err);
    for (size_t i = 0; !rc && i < arguments->n_options; i++)
        rc = take_option(request, &arguments->options[i], err);
    if (rc)
        return rc;
    return take_ssh(request, err);
}

/* Whether copying has begun. */
static bool has_begun(const struct domm_session *session)
{
    bool begun = false;
    for (unsigned int g = 0; g < domm_session_guest_count(session); g++)
        begun |= session->report.guests[g].marks[DOMM_MARK_COPY] != DOMM_NEVER;
    return begun;
}

/* The first cause, with the code for its consequence. */
static int rolled_back(const struct domm_source *source, struct domm_error *err)
{
    const struct domm_session *session = &source->session;
    *err = session->error;
    if (!err->code)
        domm_fail(err, DOMM_ROLLED_BACK, "the migration was given up");
    if (session->aborted || err->code == DOMM_ABORTED)
        err->code = DOMM_ABORTED;
    else if (has_begun(session))
        err->code = DOMM_ROLLED_BACK;
    else if (err->code == DOMM_FAILED || err->code == DOMM_REFUSED)
        err->code = DOMM_PREFLIGHT;
    if (!err->hint[0] && source->ssh > 0 && !session->greeted)
        domm_hint(err, "check that ssh %s domm receive works", session->report.destination);
    else if (!err->hint[0])
        domm_hint(err, "the guests run here as before");
    return -(int)err->code;
}

/* An outcome that needs the administrator: what it is, and what to do. */
static int fail_unfinished(const struct domm_session *session, struct domm_error *err,
                           const char *what, const char *hint)
{
    const struct domm_error *cause = &session->error;
    domm_fail(err, DOMM_OUTCOME_UNKNOWN, "%s%s%s", what, cause->code ? ": " : "",
              cause->code ? cause->text : "");
    return domm_hint(err, "%s", hint);
}

static int moved(const struct domm_session *session, struct domm_error *err)
{
    if (session->report.outcome == DOMM_MIGRATION_HELD)
        return fail_unfinished(
            session, err,
            "the monitor is not ready at the destination, so its targets are held there",
            "they run once the monitor is ready; to decide otherwise, use domm release "
            "--restart or --force there");
    if (session->report.outcome == DOMM_MIGRATION_IMPAIRED)
        return fail_unfinished(session, err, "the guests have migrated, but not all of them run",
                               "run domm recover at the destination to try again");
    if (session->machine.damaged)
        return fail_unfinished(session, err,
                               "the guests have migrated, but stale copies are left here",
                               "domm recover destroys them");
    return 0;
}

static int migrate_conclude(const struct domm_source *source, struct domm_error *err)
{
    const struct domm_session *session = &source->session;
    switch (session->machine.state) {
    case DOMM_SRC_MOVED:
        return moved(session, err);
    case DOMM_SRC_ROLLED_BACK:
        if (source->options.preflight && !session->error.code)
            return 0;
        return rolled_back(source, err);
    case DOMM_SRC_HELD:
        return fail_unfinished(
            session, err, "rolled back, but the monitor is not ready, so its targets are held here",
            "domm release runs them once the monitor is ready, domm release --force at once, "
            "unmonitored");
    case DOMM_SRC_STUCK:
        return fail_unfinished(session, err, "the rollback is incomplete",
                               "run domm recover to try again");
    case DOMM_SRC_UNCONFIRMED:
        return fail_unfinished(
            session, err,
            "the destination has taken the guests over, but has not confirmed that they run",
            "domm recover asks it, and destroys the stale copies here once they are there");
    default:
        return fail_unfinished(
            session, err,
            "it is unknown whether the destination has taken the guests over; they are stopped "
            "here",
            "domm recover asks the destination and settles it");
    }
}

static void keep_report(const struct domm_session *session)
{
    struct domm_error err;
    cleanup_json struct json_object *json = domm_report_json(&session->report);
    cleanup_free char *text = domm_json_format(json, JSON_C_TO_STRING_PRETTY);
    if (!text)
        domm_no_memory(&err);
    if (!text || domm_journal_keep(session->journal, "report.json", text, strlen(text), &err))
        domm_log(session->log, DOMM_LOG_WARN, "%s", err.text);
}

/* Logged as well, since a script may not read the report. It was requested, so it is not a
 * failure. */
static void migrate_warn_unmonitored(struct cmd_context *context,
                                     const struct domm_session *session)
{
    for (unsigned int g = 1; session->report.unmonitored && g < domm_session_guest_count(session);
         g++)
        domm_log(context->log, DOMM_LOG_WARN, "%s was run unmonitored, as requested",
                 session->guests[g].facts.name);
}

static void migrate_warn_downtime(struct cmd_context *context, const struct domm_report *report)
{
    uint64_t downtime = domm_report_targets_downtime(report);
    if (report->downtime_limit && downtime != DOMM_NEVER && downtime > report->downtime_limit)
        domm_log(context->log, DOMM_LOG_WARN,
                 "the targets stood still for %u ms, longer than --max-downtime %u",
                 (unsigned)(downtime / 1000000), (unsigned)(report->downtime_limit / 1000000));
}

static int migrate_finish(struct cmd_context *context, struct domm_source *source,
                          struct cmd_migration_hooks *hooks, struct domm_error *err)
{
    struct domm_session *session = &source->session;
    struct domm_error second;
    if (source->options.preflight) {
        int rc = migrate_conclude(source, err);
        if (!rc && !context->globals.json)
            printf("%s and its %u target%s can migrate to %s\n", session->guests[0].facts.name,
                   session->offer.n_targets, session->offer.n_targets == 1 ? "" : "s",
                   source->options.host);
        return rc;
    }
    keep_report(session);
    cmd_migration_log(session);
    cmd_migration_hooks_end(hooks, session);
    migrate_warn_unmonitored(context, session);
    migrate_warn_downtime(context, &session->report);
    /* If nothing was copied, the error says more than an empty report. */
    if ((has_begun(session) || context->globals.json) &&
        migrate_show_report(context, &session->report, &second))
        domm_log(context->log, DOMM_LOG_WARN, "%s", second.text);
    return migrate_conclude(source, err);
}

static int open_and_run(struct cmd_context *context, const struct domm_source_options *options,
                        const struct domm_session_callbacks *callbacks,
                        const struct domm_session_gate *gate, const sigset_t *signals,
                        struct domm_source *source, struct domm_error *err)
{
    int rc = domm_source_open(source, options, context->log, err);
    if (rc)
        return rc;
    source->session.callbacks = callbacks;
    source->session.gate = gate;
    return domm_source_run(source, signals, err);
}

static int migrate(struct cmd_context *context, const struct domm_source_options *options,
                   const sigset_t *signals, void *unused, struct domm_error *err)
{
    (void)unused;
    static struct domm_source source;
    static struct migrate_show show;
    struct domm_session_callbacks callbacks;
    struct cmd_migration_hooks hooks;
    migrate_show_begin(&show, context, &source, &callbacks);
    cmd_migration_hooks_begin(&hooks);
    int rc = open_and_run(context, options, &callbacks, &hooks.gate, signals, &source, err);
    migrate_show_end(&show);
    if (!rc)
        rc = migrate_finish(context, &source, &hooks, err);
    domm_source_close(&source);
    return rc;
}

/* Signals are blocked before any thread is created, so that all threads inherit this. */
static int migrate_with_signals(int (*run)(struct cmd_context *, const struct domm_source_options *,
                                           const sigset_t *, void *, struct domm_error *),
                                struct cmd_context *context,
                                const struct domm_source_options *options, void *argument,
                                struct domm_error *err)
{
    sigset_t signals, old_mask;
    struct sigaction ignore = {.sa_handler = SIG_IGN}, old_pipe;
    cmd_signals_block(SIGUSR1, &signals, &old_mask);
    sigaction(SIGPIPE, &ignore, &old_pipe);
    int rc = run(context, options, &signals, argument, err);
    sigaction(SIGPIPE, &old_pipe, NULL);
    cmd_signals_unblock(&signals, &old_mask);
    return rc;
}

int cmd_migrate(struct cmd_context *context, const struct cmd_arguments *arguments,
                struct domm_error *err)
{
    struct migrate_request request;
    int rc = migrate_parse(context, arguments, &request, err);
    if (!rc)
        rc = migrate_with_signals(migrate, context, &request.options, NULL, err);
    cmd_ssh_free(&request.ssh);
    return rc;
}

/* The states of the way back say nothing about where the preflight ended. */
static void note_reached(void *reached, const struct domm_session *session)
{
    if (session->machine.state <= DOMM_SRC_OFFERING)
        *(enum domm_migration_state *)reached = session->machine.state;
}

static int preflight(struct cmd_context *context, const struct domm_source_options *options,
                     const sigset_t *signals, void *reached, struct domm_error *err)
{
    static struct domm_source source;
    const struct domm_session_callbacks callbacks = {.context = reached, .state = note_reached};
    int rc = open_and_run(context, options, &callbacks, NULL, signals, &source, err);
    if (!rc)
        rc = migrate_conclude(&source, err);
    domm_source_close(&source);
    return rc;
}

int cmd_migrate_preflight(struct cmd_context *context, const char *pair, const char *host,
                          enum domm_migration_state *reached_r, struct domm_error *err)
{
    char *operands[] = {(char *)(uintptr_t)pair, (char *)(uintptr_t)host};
    const struct cmd_arguments arguments = {.operands = operands, .n_operands = 2};
    struct migrate_request request;
    int rc = migrate_parse(context, &arguments, &request, err);
    request.options.preflight = true;
    *reached_r = DOMM_SRC_CHECKING;
    if (!rc)
        rc = migrate_with_signals(preflight, context, &request.options, reached_r, err);
    cmd_ssh_free(&request.ssh);
    return rc;
}
