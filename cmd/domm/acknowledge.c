/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "cmd/domm/action.h"
#include "cmd/domm/arguments.h"
#include "cmd/domm/commands.h"
#include "cmd/domm/host.h"
#include "cmd/domm/output.h"
#include "lib/pair/roster.h"

/* What a monitor monitors is ended where it is told of: with its record. */
static int refuse_monitored(const struct cmd_host *host, const char *name,
                            const struct domm_uuid *target, struct domm_error *err)
{
    for (size_t i = 0; i < host->inventory.count; i++) {
        const struct domm_inventory_entry *monitor = &host->inventory.entries[i];
        if (monitor->record_state != DOMM_RECORD_VALID ||
            !domm_record_find(&monitor->record, target))
            continue;
        domm_fail(err, DOMM_REFUSED, "%s is monitored by %s", name, monitor->domain.name);
        return domm_hint(err, "to end that, run domm detach %s %s", monitor->domain.name, name);
    }
    return 0;
}

static void acknowledge_report(const struct cmd_host *host, const char *name,
                               const struct domm_uuid *target)
{
    const struct cmd_globals *globals = &host->context->globals;
    cleanup_json struct json_object *action = json_object_new_object();
    struct json_object *targets = json_object_new_array();
    domm_json_text(action, "action", "acknowledge");
    domm_json_bool(action, "dry_run", globals->dry_run);
    json_object_object_add(action, "targets", targets);
    json_object_array_add(targets,
                          cmd_peer_json(target, domm_inventory_by_uuid(&host->inventory, target)));
    if (globals->json)
        cmd_print_json(action);
    else
        printf(globals->dry_run ? "would no longer expect %s to be monitored\n"
                                : "%s is no longer expected to be monitored\n",
               name);
}

static int acknowledge_expected(struct cmd_host *host, const struct domm_expectations *expected,
                                const char *name, struct domm_error *err)
{
    struct domm_uuid target;
    int rc = domm_roster_find_uuid(&host->inventory, expected, name, &target, err);
    if (rc)
        return rc;
    rc = refuse_monitored(host, name, &target, err);
    if (rc)
        return rc;
    if (!domm_expectations_find(expected, &target)) {
        domm_fail(err, DOMM_REFUSED, "%s is not expected to be monitored on this host", name);
        return domm_hint(err, "domm monitor-status shows what is");
    }
    if (!host->context->globals.dry_run) {
        rc = domm_expectation_remove(&target, err);
        if (rc)
            return rc;
    }
    acknowledge_report(host, name, &target);
    return 0;
}

static int acknowledge(struct cmd_host *host, const char *name, struct domm_error *err)
{
    struct domm_expectations expected;
    cleanup_fd int lock = -1;
    int rc = cmd_host_lock(host, &lock, err);
    if (rc)
        return rc;
    rc = domm_expectations_read(host->context->log, &expected, err);
    if (rc)
        return rc;
    rc = acknowledge_expected(host, &expected, name, err);
    domm_expectations_free(&expected);
    return rc;
}

int cmd_acknowledge(struct cmd_context *context, const struct cmd_arguments *arguments,
                    struct domm_error *err)
{
    struct cmd_host host;
    int rc = cmd_host_open(context, &host, err);
    if (rc)
        return rc;
    rc = acknowledge(&host, arguments->operands[0], err);
    cmd_host_close(&host);
    return rc;
}
