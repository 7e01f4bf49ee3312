/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/domm/check.h"

#include "cmd/domm/arguments.h"
#include "cmd/domm/commands.h"
#include "cmd/domm/migrate.h"

static const char *config_of(const struct cmd_arguments *arguments)
{
    const char *path = NULL;
    for (size_t i = 0; i < arguments->n_options; i++)
        path = arguments->options[i].id == 'c' ? arguments->options[i].value : path;
    return path;
}

int cmd_check_check(const struct cmd_arguments *arguments, struct domm_error *err)
{
    if (arguments->n_operands == 1)
        return domm_fail(err, DOMM_USAGE, "PAIR is given without HOST");
    if (arguments->n_operands && config_of(arguments))
        return domm_fail(err, DOMM_USAGE, "--config checks a file, not a pair");
    return 0;
}

void cmd_check_pair(struct cmd_context *context, struct cmd_findings *findings, const char *pair,
                    const char *host)
{
    static const struct {
        enum domm_migration_state state;
        const char *check, *found;
    } stages[] = {
        {DOMM_SRC_CHECKING, "pair", "its guests run, are monitored, and can be migrated"},
        {DOMM_SRC_GREETING, "link", "the other host answers, with a common protocol"},
        {DOMM_SRC_OFFERING, "destination", "memory, CPUs, bridges, scripts, exports and names fit"},
    };
    struct domm_error err;
    enum domm_migration_state reached = DOMM_SRC_CHECKING;
    int rc = cmd_migrate_preflight(context, pair, host, &reached, &err);
    for (size_t i = 0; i < sizeof(stages) / sizeof(*stages); i++) {
        bool passed = !rc || stages[i].state < reached;
        if (cmd_find_outcome(findings, stages[i].check, passed ? 0 : rc, &err, stages[i].found))
            return;
    }
}

int cmd_check(struct cmd_context *context, const struct cmd_arguments *arguments,
              struct domm_error *err)
{
    struct cmd_findings findings;
    const char *path = config_of(arguments);
    cmd_findings_begin(&findings);
    if (path)
        cmd_check_config(&findings, path);
    else if (arguments->n_operands)
        cmd_check_pair(context, &findings, arguments->operands[0], arguments->operands[1]);
    else
        cmd_check_host(context, &findings);
    return cmd_findings_end(&findings, context->globals.json, err);
}
