/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/domm/arguments.h"
#include "cmd/domm/commands.h"
#include "cmd/domm/migrate_show.h"
#include "cmd/domm/words.h"
#include "lib/move/source.h"

#define MAX_SECONDS 86400
#define MAX_MIB 1000000

struct request {
    struct domm_source_options options;
    struct cmd_words ssh; /* the command's words */
    char *words[DOMM_SSH_WORDS + 2];
};

static int number(const char *text, unsigned long most, unsigned long *number_r,
                  struct domm_error *err)
{
    char *end;
    errno = 0;
    *number_r = strtoul(text, &end, 10);
    if (errno || end == text || *end || text[0] == '-' || *number_r < 1 || *number_r > most)
        return domm_fail(err, DOMM_USAGE, "'%s' is not a number from 1 to %lu", text, most);
    return 0;
}

/* The place of a word in a list that ends with null. */
static int choice(const char *text, const char *const *words, unsigned int *choice_r,
                  struct domm_error *err)
{
    for (*choice_r = 0; words[*choice_r]; (*choice_r)++) {
        if (strcmp(text, words[*choice_r]) == 0)
            return 0;
    }
    domm_fail(err, DOMM_USAGE, "'%s' is none of: %s", text, words[0]);
    for (unsigned int i = 1; words[i]; i++)
        snprintf(err->text + strlen(err->text), sizeof(err->text) - strlen(err->text), ", %s",
                 words[i]);
    return -DOMM_USAGE;
}

static int permit_unsafe(struct domm_error *err)
{
    const char *unsafe = getenv("DOMM_UNSAFE");
    if (unsafe && strcmp(unsafe, "1") == 0)
        return 0;
    domm_fail(err, DOMM_USAGE, "this makes targets run unmonitored on purpose");
    return domm_hint(err, "it is for domm's own tests, which set DOMM_UNSAFE=1");
}

static int take_option(struct request *request, const struct cmd_parsed_option *option,
                       struct domm_error *err)
{
    static const char *const data[] = {"ssh", "tls", "tcp", NULL};
    static const char *const busy[] = {"abort", "force", NULL};
    static const char *const not_ready[] = {"hold", "restart", "force", NULL};
    struct domm_source_options *options = &request->options;
    unsigned long n = 0;
    unsigned int which = 0;
    int rc = 0;
    switch (option->id) {
    case 's':
        cmd_words_free(&request->ssh);
        return cmd_split_words(option->value, &request->ssh, err);
    case 'd':
        rc = choice(option->value, data, &which, err);
        options->data = (enum domm_data)which;
        return rc;
    case 'b':
        rc = number(option->value, MAX_MIB, &n, err);
        options->bytes_per_s = (uint64_t)n << 20;
        return rc;
    case 'm':
        rc = number(option->value, MAX_SECONDS * 1000ul, &n, err);
        options->max_downtime_ms = (unsigned)n;
        return rc;
    case 'T':
        rc = number(option->value, MAX_SECONDS, &n, err);
        options->timeout_s = (unsigned)n;
        return rc;
    case 'o':
        rc = choice(option->value, busy, &which, err);
        options->force_busy = which == 1;
        return rc;
    case 'r':
        rc = choice(option->value, not_ready, &which, err);
        options->on_not_ready = (enum domm_on_not_ready)which;
        return rc;
    case 'p':
        options->paused = true;
        return 0;
    case 'D':
        options->verify = true;
        return 0;
    case 'U':
        options->unsynchronised = true;
        return permit_unsafe(err);
    default: /* one of domm's global options */
        return 0;
    }
}

/* ssh HOST, or what is to be run in place of ssh and HOST. */
static int take_ssh(struct request *request, struct domm_error *err)
{
    static char ssh[] = "ssh";
    size_t n = 0;
    if (request->ssh.count > DOMM_SSH_WORDS - 1)
        return domm_fail(err, DOMM_USAGE, "--ssh-command has more than %d words",
                         DOMM_SSH_WORDS - 1);
    for (; n < request->ssh.count; n++)
        request->words[n] = request->ssh.items[n];
    if (n == 0)
        request->words[n++] = ssh;
    if (request->options.host[0] == '-')
        return domm_fail(err, DOMM_USAGE, "'%s' is not the name of a host", request->options.host);
    request->words[n] = strdup(request->options.host);
    request->options.ssh = request->words;
    return request->words[n] ? 0 : domm_no_memory(err);
}

static int parse(const struct cmd_context *context, const struct cmd_arguments *arguments,
                 struct request *request, struct domm_error *err)
{
    *request = (struct request){.options = {.pair = arguments->operands[0],
                                            .host = arguments->operands[1],
                                            .max_downtime_ms = 300,
                                            .timeout_s = 600,
                                            .preflight = context->globals.dry_run}};
    int rc = 0;
    for (size_t i = 0; !rc && i < arguments->n_options; i++)
        rc = take_option(request, &arguments->options[i], err);
    return rc ? rc : take_ssh(request, err);
}

static void free_request(struct request *request)
{
    for (size_t n = request->ssh.count; n < DOMM_SSH_WORDS + 2; n++) {
        if (n > 0 && request->words[n])
            free(request->words[n]);
    }
    cmd_words_free(&request->ssh);
}

/* Whether anything was copied. */
static bool has_begun(const struct domm_end *end)
{
    bool begun = false;
    for (unsigned int g = 0; g < domm_end_guests(end); g++)
        begun |= end->report.guests[g].marks[DOMM_MARK_COPY] != DOMM_NEVER;
    return begun;
}

/* The first cause, with the code that says what it led to. */
static int rolled_back(const struct domm_source *source, struct domm_error *err)
{
    const struct domm_end *end = &source->end;
    *err = end->error;
    if (!err->code)
        domm_fail(err, DOMM_ROLLED_BACK, "given up");
    if (end->aborted)
        err->code = DOMM_ABORTED;
    else if (has_begun(end) || err->code == DOMM_ABORTED)
        err->code = DOMM_ROLLED_BACK;
    else if (err->code == DOMM_FAILED || err->code == DOMM_REFUSED)
        err->code = DOMM_PREFLIGHT;
    if (!err->hint[0] && source->ssh > 0 && !end->greeted)
        domm_hint(err, "ssh %s domm receive has to work", end->report.destination);
    else if (!err->hint[0])
        domm_hint(err, "everything is as it was before");
    return -(int)err->code;
}

/* What needs somebody to look after it, and how. */
static int unsettled(const struct domm_end *end, struct domm_error *err, const char *what,
                     const char *hint)
{
    const struct domm_error *cause = &end->error;
    domm_fail(err, DOMM_OUTCOME_UNKNOWN, "%s%s%s", what, cause->code ? ": " : "",
              cause->code ? cause->text : "");
    return domm_hint(err, "%s", hint);
}

static int moved(const struct domm_end *end, struct domm_error *err)
{
    if (end->report.outcome == DOMM_WIRE_HELD)
        return unsettled(end, err,
                         "domM is not ready at the destination, and its targets stand still",
                         "they run there as soon as domM is ready; domm release --restart or "
                         "--force there decides otherwise");
    if (end->report.outcome == DOMM_WIRE_IMPAIRED)
        return unsettled(end, err, "the guests have moved, but not all of them start",
                         "at the destination, domm release tries again");
    if (end->machine.damaged)
        return unsettled(
            end, err, "the guests have moved, but not all stale copies here could be destroyed",
            "xl list shows them, with " DOMM_AWAY " behind their names; xl destroy ends them");
    return 0;
}

static int conclude(const struct domm_source *source, struct domm_error *err)
{
    const struct domm_end *end = &source->end;
    switch (end->machine.state) {
    case DOMM_SRC_MOVED:
        return moved(end, err);
    case DOMM_SRC_ROLLED_BACK:
        if (source->options.preflight && !end->error.code)
            return 0;
        return rolled_back(source, err);
    case DOMM_SRC_HELD:
        return unsettled(end, err, "taken back, but domM is not ready, and its targets stand still",
                         "domm release lets them run when domM is ready, or with --force at once, "
                         "unmonitored");
    case DOMM_SRC_STUCK:
        return unsettled(end, err, "not everything could be taken back",
                         "domm release tries again");
    case DOMM_SRC_UNCONFIRMED:
        return unsettled(end, err,
                         "the destination has taken the guests over, and has not said how it went",
                         "domm release there has them run, if they do not; then destroy the "
                         "copies that are left here");
    default:
        return unsettled(end, err,
                         "it is not known whether the destination has taken the guests over; they "
                         "stand still here",
                         "domm release there first: it knows; if they were not handed over, domm "
                         "release --not-taken here");
    }
}

static void keep_report(const struct domm_end *end)
{
    struct domm_error err;
    cleanup_json struct json_object *json = domm_report_json(&end->report);
    const char *text = json_object_to_json_string_ext(json, JSON_C_TO_STRING_PRETTY);
    if (domm_journal_keep(end->journal, "report.json", text, strlen(text), &err))
        domm_log(end->log, DOMM_LOG_WARN, "%s", err.text);
}

/* Not only in the report, which a script may not read: it was asked for, so it is no failure. */
static void warn_unmonitored(struct cmd_context *context, const struct domm_end *end)
{
    for (unsigned int g = 1; end->report.unmonitored && g < domm_end_guests(end); g++)
        domm_log(context->log, DOMM_LOG_WARN, "%s was let run unmonitored",
                 end->guests[g].facts.name);
}

static int finish(struct cmd_context *context, const struct domm_source *source,
                  struct domm_error *err)
{
    const struct domm_end *end = &source->end;
    struct domm_error second;
    if (source->options.preflight) {
        int rc = conclude(source, err);
        if (!rc && !context->globals.json)
            printf("%s and its %u target%s could be migrated to %s\n", end->guests[0].facts.name,
                   end->offer.n_targets, end->offer.n_targets == 1 ? "" : "s",
                   source->options.host);
        return rc;
    }
    keep_report(end);
    warn_unmonitored(context, end);
    /* To who reads it, a report of nothing says less than the error. */
    if ((has_begun(end) || context->globals.json) &&
        migrate_show_report(context, &end->report, &second))
        domm_log(context->log, DOMM_LOG_WARN, "%s", second.text);
    return conclude(source, err);
}

static int migrate(struct cmd_context *context, const struct domm_source_options *options,
                   const sigset_t *signals, struct domm_error *err)
{
    static struct domm_source source;
    static struct migrate_show show;
    struct domm_spectator spectator;
    migrate_show_begin(&show, context, &spectator);
    int rc = domm_source_open(&source, options, context->log, err);
    source.end.spectator = &spectator;
    rc = rc ? rc : domm_source_run(&source, signals, err);
    migrate_show_end(&show);
    rc = rc ? rc : finish(context, &source, err);
    domm_source_close(&source);
    return rc;
}

/* Signals are blocked before any thread begins. */
int cmd_migrate(struct cmd_context *context, const struct cmd_arguments *arguments,
                struct domm_error *err)
{
    struct request request;
    sigset_t signals, old_mask;
    struct sigaction ignore = {.sa_handler = SIG_IGN}, old_pipe;
    int rc = parse(context, arguments, &request, err);
    if (!rc) {
        sigemptyset(&signals);
        sigaddset(&signals, SIGINT);
        sigaddset(&signals, SIGTERM);
        sigaddset(&signals, SIGHUP);
        sigprocmask(SIG_BLOCK, &signals, &old_mask);
        sigaction(SIGPIPE, &ignore, &old_pipe);
        rc = migrate(context, &request.options, &signals, err);
        sigaction(SIGPIPE, &old_pipe, NULL);
        sigprocmask(SIG_SETMASK, &old_mask, NULL);
    }
    free_request(&request);
    return rc;
}
