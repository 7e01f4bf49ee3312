/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/domm/dispatch.h"

#include <errno.h>
#include <stdio.h>

#include "cmd/domm/arguments.h"
#include "cmd/domm/help.h"
#include "lib/xen/xen.h"

enum dispatch_request { REQUEST_RUN, REQUEST_HELP, REQUEST_VERSION };

static void configure_log(struct domm_log *log, const struct cmd_globals *globals)
{
    static const enum domm_log_level by_verbosity[] = {DOMM_LOG_PROGRESS, DOMM_LOG_DETAIL,
                                                       DOMM_LOG_VERBOSE, DOMM_LOG_DEBUG};
    log->minimum = by_verbosity[globals->verbosity < 3 ? globals->verbosity : 3];
    if (globals->quiet)
        log->minimum = DOMM_LOG_ERROR;
    log->timestamps = globals->timestamps;
}

static bool is_own_option(const struct cmd_option *own, int id)
{
    for (; own && own->id; own++) {
        if (own->id == id)
            return true;
    }
    return false;
}

static enum dispatch_request take_globals(struct cmd_globals *globals, const struct cmd_option *own,
                                          const struct cmd_arguments *arguments)
{
    enum dispatch_request request = REQUEST_RUN;
    for (size_t i = 0; i < arguments->n_options; i++) {
        if (is_own_option(own, arguments->options[i].id))
            continue;
        switch (arguments->options[i].id) {
        case 'v':
            globals->verbosity++;
            break;
        case 'q':
            globals->quiet = true;
            break;
        case 'N':
            globals->dry_run = true;
            break;
        case OPTION_JSON:
            globals->json = true;
            break;
        case 'T':
            globals->timestamps = true;
            break;
        case 'V':
            request = REQUEST_VERSION;
            break;
        default: /* -h */
            request = REQUEST_HELP;
            break;
        }
    }
    return request;
}

static int check_usage(const struct cmd_context *context, const struct cmd_row *row,
                       const struct cmd_arguments *arguments, struct domm_error *err)
{
    int given = (int)arguments->n_operands;
    if (context->globals.dry_run && row->flags & CMD_CHANGES && !(row->flags & CMD_DRY_RUN))
        return domm_fail(err, DOMM_USAGE, "--dry-run is not supported");
    if (given >= row->min_operands &&
        (row->max_operands == CMD_ANY_NUMBER || given <= row->max_operands))
        return row->check ? row->check(arguments, err) : 0;
    if (given < row->min_operands)
        domm_fail(err, DOMM_USAGE, "missing operands: expected %s", row->synopsis);
    else
        domm_fail(err, DOMM_USAGE, "unexpected argument '%s'",
                  arguments->operands[row->max_operands]);
    return domm_hint(err, "usage: domm %s %s", row->name, row->synopsis);
}

static int run_with_xen(struct cmd_context *context, const struct cmd_row *row,
                        const struct cmd_arguments *arguments, struct domm_error *err)
{
    if (row->flags & CMD_NEEDS_XEN) {
        int rc = domm_xen_open(context->log, &context->xen, err);
        if (rc)
            return rc;
    }
    int rc = row->run(context, arguments, err);
    domm_xen_close(context->xen);
    return rc;
}

/* A command whose output is lost has failed, even if it succeeded otherwise. */
static int finish_output(int rc, struct domm_error *err)
{
    bool lost = ferror(stdout); /* an earlier write failed, and its errno is lost */
    int reason = fflush(stdout) ? errno : 0;
    clearerr(stdout);
    if (rc || !(lost || reason))
        return rc;
    if (reason)
        return domm_fail_errno(err, DOMM_FAILED, reason, "writing to standard output");
    return domm_fail(err, DOMM_FAILED, "writing to standard output: some of the output was lost");
}

/* Handles -h, -V and a command line without a command. row is null if no command was named. */
static void answer(const struct cmd_context *context, enum dispatch_request request,
                   const struct cmd_row *row)
{
    if (request == REQUEST_VERSION)
        puts("domm " PACKAGE_VERSION);
    else if (row)
        cmd_print_command_help(row);
    else
        cmd_print_help(context->table, context->in_shell);
}

static int run_row(struct cmd_context *context, const struct cmd_row *row, int argc, char **argv,
                   struct domm_error *err)
{
    struct cmd_arguments arguments;
    int rc = cmd_parse(argc, argv, row->options, cmd_global_options, false, &arguments, err);
    if (rc)
        return domm_hint(err, "see domm help %s", row->name);
    enum dispatch_request request = take_globals(&context->globals, row->options, &arguments);
    configure_log(context->log, &context->globals);
    if (request != REQUEST_RUN)
        answer(context, request, row);
    else if (!(rc = check_usage(context, row, &arguments, err)))
        rc = run_with_xen(context, row, &arguments, err);
    cmd_arguments_free(&arguments);
    return rc;
}

static int run_command(struct cmd_context *context, struct cmd_arguments *words,
                       struct domm_error *err)
{
    const struct cmd_row *row;
    int rc = cmd_lookup(context->table, words->operands[0], &row, err);
    if (rc)
        return rc;
    rc = run_row(context, row, (int)words->n_operands, words->operands, err);
    return rc ? domm_wrap(err, "%s", row->name) : 0;
}

int cmd_dispatch(const struct cmd_row *table, const struct cmd_globals *defaults,
                 struct domm_log *log, bool in_shell, int argc, char **argv, struct domm_error *err)
{
    struct cmd_context context = {
        .globals = *defaults, .log = log, .table = table, .in_shell = in_shell};
    struct cmd_arguments words;
    int rc = cmd_parse(argc, argv, cmd_global_options, NULL, true, &words, err);
    if (rc)
        return domm_hint(err, "see domm help");
    enum dispatch_request request = take_globals(&context.globals, NULL, &words);
    configure_log(log, &context.globals);
    if (request == REQUEST_RUN && !words.n_operands)
        request = REQUEST_HELP;
    if (request != REQUEST_RUN)
        answer(&context, request, NULL);
    else
        rc = run_command(&context, &words, err);
    cmd_arguments_free(&words);
    return finish_output(rc, err);
}
