/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/domm/arguments.h"
#include "cmd/domm/commands.h"
#include "cmd/domm/migration_hooks.h"
#include "cmd/domm/migration_log.h"
#include "lib/migrate/destination.h"
#include "lib/migrate/question.h"
#include "lib/migrate/transport/data.h"

static int deliver(const struct domm_uuid *migration, const char *number, struct domm_error *err)
{
    char *end;
    errno = 0;
    unsigned long guest = strtoul(number, &end, 10);
    if (errno || end == number || *end || guest > DOMM_RECORD_MAX_TARGETS)
        return domm_fail(err, DOMM_USAGE, "--guest: '%s' is not a number from 0 to %d", number,
                         DOMM_RECORD_MAX_TARGETS);
    /* The source logs in with the next stream then. */
    if (guest >= DOMM_SSH_AT_ONCE && write(STDOUT_FILENO, "", 1) != 1)
        return domm_fail_errno(err, DOMM_FAILED, errno, "writing to the source");
    return domm_acceptor_deliver(migration, (unsigned int)guest, STDIN_FILENO, err);
}

/* A failed migration is reported by the source, which knows the cause. */
static int receive_conclude(const struct domm_destination *destination, struct domm_error *err)
{
    const struct domm_session *session = &destination->session;
    switch (session->machine.state) {
    case DOMM_DST_MOVED:
    case DOMM_DST_GONE:
        return 0;
    default:
        *err = session->error;
        if (!err->code)
            domm_fail(err, DOMM_OUTCOME_UNKNOWN, "the migration ended in the state \"%s\"",
                      domm_migration_states[session->machine.state].name);
        err->code = DOMM_OUTCOME_UNKNOWN;
        return domm_hint(err, "see the journal in %s", domm_journal_path(session->journal));
    }
}

/* Asked by the source, after a crash of either end. */
static int settle(struct cmd_context *context, const char *text, struct domm_error *err)
{
    struct domm_uuid migration;
    enum domm_recovery_answer answer;
    char line[256];
    if (!domm_uuid_parse(text, &migration))
        return domm_fail(err, DOMM_USAGE, "--settle needs the UUID of a migration");
    int rc = domm_question_reply(context->log, &migration, &answer, err);
    if (rc)
        return rc;
    domm_question_format(&migration, answer, line, sizeof(line));
    fputs(line, stdout);
    return 0;
}

static int agree(const char *text, struct domm_error *err)
{
    struct domm_uuid migration;
    if (!domm_uuid_parse(text, &migration))
        return domm_fail(err, DOMM_USAGE, "--agreed needs the UUID of a migration");
    return domm_question_close(&migration, err);
}

static int run_and_conclude(struct cmd_context *context, struct domm_destination *destination,
                            const sigset_t *signals, struct domm_error *err)
{
    struct cmd_migration_hooks hooks;
    int rc = domm_destination_open(destination, context->log, err);
    if (rc)
        return rc;
    destination->session.preflight = context->globals.dry_run;
    cmd_migration_hooks_begin(&hooks);
    destination->session.gate = &hooks.gate;
    rc = domm_destination_run(destination, STDIN_FILENO, STDOUT_FILENO, signals, err);
    if (rc)
        return rc;
    if (!context->globals.dry_run) {
        cmd_migration_log(&destination->session);
        cmd_migration_hooks_end(&hooks, &destination->session);
    }
    return receive_conclude(destination, err);
}

/* SIGHUP is ignored: after COMMIT the guests belong to this host, even if the link breaks. */
static int receive_guests(struct cmd_context *context, struct domm_error *err)
{
    static struct domm_destination destination;
    sigset_t signals, old;
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, &old);
    sigaction(SIGPIPE, &ignore, NULL);
    sigaction(SIGHUP, &ignore, NULL);
    int rc = run_and_conclude(context, &destination, &signals, err);
    domm_destination_close(&destination);
    sigprocmask(SIG_SETMASK, &old, NULL);
    return rc;
}

int cmd_receive(struct cmd_context *context, const struct cmd_arguments *arguments,
                struct domm_error *err)
{
    const char *stream = NULL, *guest = NULL;
    struct domm_uuid migration;
    for (size_t i = 0; i < arguments->n_options; i++) {
        if (arguments->options[i].id == OPTION_STREAM)
            stream = arguments->options[i].value;
        if (arguments->options[i].id == OPTION_GUEST)
            guest = arguments->options[i].value;
        if (arguments->options[i].id == OPTION_SETTLE)
            return settle(context, arguments->options[i].value, err);
        if (arguments->options[i].id == OPTION_AGREED)
            return agree(arguments->options[i].value, err);
    }
    if (!stream && !guest) {
        if (!isatty(STDIN_FILENO))
            return receive_guests(context, err);
        domm_fail(err, DOMM_USAGE, "this command is not for use by hand");
        return domm_hint(err, "domm migrate PAIR HOST runs it at HOST");
    }
    if (!stream || !guest || !domm_uuid_parse(stream, &migration))
        return domm_fail(err, DOMM_USAGE, "--stream needs the UUID of a migration, and --guest");
    return deliver(&migration, guest, err);
}
