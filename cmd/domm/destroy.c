/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "cmd/domm/action.h"
#include "cmd/domm/arguments.h"
#include "cmd/domm/commands.h"
#include "cmd/domm/host.h"
#include "cmd/domm/output.h"
#include "lib/pair/expectation.h"
#include "lib/pair/saved_record.h"
#include "lib/xen/domain.h"

static void destroy_warn_unmonitored(struct cmd_host *host, const struct domm_record *record)
{
    for (size_t i = 0; i < record->n_targets; i++) {
        const struct domm_inventory_entry *target =
            domm_inventory_by_uuid(&host->inventory, &record->targets[i].uuid);
        if (target)
            domm_log(host->context->log, DOMM_LOG_WARN, "%s keeps running, unmonitored",
                     target->domain.name);
    }
}

/* Its mappings end with the domain; the mirrors to it do not. */
static int destroy_now(struct cmd_host *host, const struct domm_inventory_entry *monitor,
                       const struct domm_record *record, struct domm_error *err)
{
    const struct domm_uuid uuid = monitor->domain.uuid;
    int rc = domm_xen_destroy(host->context->xen, monitor->domain.domid, err);
    if (rc)
        return rc;
    rc = domm_saved_record_remove(DOMM_SAVED_RECORD_DIRECTORY, &uuid, err);
    if (rc)
        return rc;
    rc = domm_expectations_end(&uuid, NULL, err);
    if (rc)
        return rc;
    rc = cmd_host_refresh(host, err);
    if (rc)
        return rc;
    domm_mirrors_reconcile(host->context->xen, host->netlink, &host->inventory, host->context->log);
    destroy_warn_unmonitored(host, record);
    return 0;
}

static int destroy_monitor(struct cmd_host *host, const char *name, struct domm_error *err)
{
    const struct domm_inventory_entry *monitor;
    cleanup_json struct json_object *action = NULL;
    cleanup_fd int lock = -1;
    int rc = cmd_host_lock(host, &lock, err);
    if (rc)
        return rc;
    rc = cmd_host_find_monitor(host, name, &monitor, err);
    if (rc)
        return rc;
    rc = cmd_refuse_moving(monitor, err);
    if (rc)
        return rc;
    const struct domm_record nothing = {0};
    const struct domm_record record =
        monitor->record_state == DOMM_RECORD_VALID ? monitor->record : nothing;
    action = cmd_action_json(host->context, "destroy", monitor);
    cmd_action_add_record(action, &host->inventory, &record);
    if (host->context->globals.dry_run && !host->context->globals.json)
        printf("would destroy the monitor %s\n", monitor->domain.name);
    if (!host->context->globals.dry_run)
        rc = destroy_now(host, monitor, &record, err);
    if (!rc && host->context->globals.json)
        cmd_print_json(action);
    return rc;
}

int cmd_destroy(struct cmd_context *context, const struct cmd_arguments *arguments,
                struct domm_error *err)
{
    struct cmd_host host;
    int rc = cmd_host_open(context, &host, err);
    if (rc)
        return rc;
    rc = destroy_monitor(&host, arguments->operands[0], err);
    cmd_host_close(&host);
    return rc;
}
