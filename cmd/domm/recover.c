/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd/domm/arguments.h"
#include "cmd/domm/commands.h"
#include "cmd/domm/output.h"
#include "cmd/domm/recover_show.h"
#include "cmd/domm/ssh_command.h"
#include "lib/base/json.h"
#include "lib/base/paths.h"
#include "lib/migrate/recover.h"

struct recover_request {
    struct domm_recover_options options;
    struct domm_uuid uuid; /* of the operand */
    const char *host;
    struct cmd_ssh ssh;
};

static int take_words(struct recover_request *request, struct domm_error *err)
{
    if (!request->host && !request->ssh.replacement.count)
        return 0;
    if (!request->host)
        return domm_fail(err, DOMM_USAGE, "--ssh-command needs --host");
    if (request->host[0] == '-')
        return domm_fail(err, DOMM_USAGE, "--host: '%s' is not a host name", request->host);
    request->options.ssh = request->ssh.words;
    return cmd_ssh_build(&request->ssh, request->host, err);
}

struct guest_search {
    const char *name;
    struct domm_uuid *uuid_r;
    bool found;
};

static bool find_guest(void *context, const struct domm_journal_facts *facts)
{
    struct guest_search *search = context;
    for (size_t g = 0; !facts->over && g < facts->n_guests; g++) {
        if (strcmp(facts->guests[g].name, search->name) == 0) {
            *search->uuid_r = facts->guests[g].uuid;
            search->found = true;
        }
    }
    return !search->found;
}

/* The UUID of a migration, or the name of a guest of one. */
static int take_migration(struct recover_request *request, const char *text, struct domm_error *err)
{
    struct guest_search search = {.name = text, .uuid_r = &request->uuid};
    if (domm_uuid_parse(text, &request->uuid)) {
        request->options.migration = &request->uuid;
        return 0;
    }
    domm_journal_facts_each(find_guest, &search);
    request->options.guest = &request->uuid;
    if (search.found)
        return 0;
    domm_fail(err, DOMM_NOT_FOUND, "no unfinished migration of '%s' is recorded on this host",
              text);
    return domm_hint(err, "domm jobs lists them");
}

static int take_recover_option(struct recover_request *request,
                               const struct cmd_parsed_option *option, struct domm_error *err)
{
    enum domm_assumption assumed = DOMM_ASSUME_COMMITTED;
    switch (option->id) {
    case 'H':
        request->host = option->value;
        return 0;
    case 's':
        return cmd_ssh_replace(&request->ssh, option->value, err);
    case 'R':
        assumed = DOMM_ASSUME_ROLLED_BACK;
        break;
    case 'C':
        break;
    default: /* one of domm's global options */
        return 0;
    }
    if (request->options.assumed && request->options.assumed != assumed)
        return domm_fail(err, DOMM_USAGE,
                         "--assume-committed and --assume-rolled-back cannot be combined");
    request->options.assumed = assumed;
    return 0;
}

static int recover_parse(const struct cmd_arguments *arguments, struct recover_request *request,
                         struct domm_error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < arguments->n_options; i++)
        rc = take_recover_option(request, &arguments->options[i], err);
    if (rc)
        return rc;
    if (request->options.assumed && !arguments->n_operands) {
        domm_fail(err, DOMM_USAGE, "an assumption needs the MIGRATION that it is about");
        return domm_hint(err, "domm jobs lists them");
    }
    rc = take_words(request, err);
    if (rc || !arguments->n_operands)
        return rc;
    return take_migration(request, arguments->operands[0], err);
}

static int recover_run(struct cmd_context *context, struct domm_recover_options *options,
                       struct domm_error *err)
{
    options->dry_run = context->globals.dry_run;
    struct recover_show show = {.context = context};
    unsigned int left;
    if (access(domm_journals_directory, R_OK | X_OK) && errno == EACCES)
        return domm_fail_errno(err, DOMM_NOT_PERMITTED, errno, "%s", domm_journals_directory);
    recover_show_begin(&show);
    int rc = domm_recover(context->log, options, recover_show_result, &show, &left, err);
    recover_show_end(&show);
    if (rc || !left || options->dry_run)
        return rc;
    return domm_fail(err, DOMM_OUTCOME_UNKNOWN, "%u migration%s not settled", left,
                     left == 1 ? " is" : "s are");
}

int cmd_recover(struct cmd_context *context, const struct cmd_arguments *arguments,
                struct domm_error *err)
{
    struct recover_request request = {0};
    int rc = recover_parse(arguments, &request, err);
    if (!rc)
        rc = recover_run(context, &request.options, err);
    cmd_ssh_free(&request.ssh);
    return rc;
}
