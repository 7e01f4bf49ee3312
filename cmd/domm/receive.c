/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/domm/arguments.h"
#include "cmd/domm/commands.h"
#include "lib/move/data.h"
#include "lib/move/destination.h"

static int deliver(const struct domm_uuid *migration, const char *number, struct domm_error *err)
{
    char *end;
    errno = 0;
    unsigned long guest = strtoul(number, &end, 10);
    if (errno || end == number || *end || guest > DOMM_RECORD_MAX_TARGETS)
        return domm_fail(err, DOMM_USAGE, "--guest: '%s' is not the number of a guest", number);
    return domm_door_deliver(migration, (unsigned int)guest, STDIN_FILENO, err);
}

/* That nothing came of it is the source's to tell, which knows why. */
static int conclude(const struct domm_destination *destination, struct domm_error *err)
{
    const struct domm_end *end = &destination->end;
    switch (end->machine.state) {
    case DOMM_DST_MOVED:
    case DOMM_DST_GONE:
        return 0;
    default:
        *err = end->error;
        if (!err->code)
            domm_fail(err, DOMM_OUTCOME_UNKNOWN, "ended as \"%s\"",
                      domm_states[end->machine.state].name);
        err->code = DOMM_OUTCOME_UNKNOWN;
        return domm_hint(err, "%s says how far it came", domm_journal_path(end->journal));
    }
}

/* After COMMIT the guests are this host's, whatever becomes of the link. */
static int receive(struct cmd_context *context, struct domm_error *err)
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
    int rc = domm_destination_open(&destination, context->log, err);
    rc = rc ? rc : domm_destination_run(&destination, STDIN_FILENO, STDOUT_FILENO, &signals, err);
    rc = rc ? rc : conclude(&destination, err);
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
    }
    if (!stream && !guest) {
        if (!isatty(STDIN_FILENO))
            return receive(context, err);
        domm_fail(err, DOMM_USAGE, "this is not for people");
        return domm_hint(err, "domm migrate PAIR HOST runs it, at HOST");
    }
    if (!stream || !guest || !domm_uuid_parse(stream, &migration))
        return domm_fail(err, DOMM_USAGE, "--stream takes the UUID of a migration, and --guest");
    return deliver(&migration, guest, err);
}
