/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "cmd/domm/arguments.h"
#include "cmd/domm/commands.h"
#include "cmd/domm/host.h"
#include "lib/base/lock.h"
#include "lib/pair/kept.h"
#include "lib/xen/guest.h"

static void warn_unmonitored(struct cmd_host *host, const struct domm_record *record)
{
    for (size_t i = 0; i < record->n_targets; i++) {
        const struct domm_member *target =
            domm_inventory_by_uuid(&host->inventory, &record->targets[i].uuid);
        if (target)
            domm_log(host->context->log, DOMM_LOG_WARN, "%s runs on unmonitored",
                     target->domain.name);
    }
}

static int destroy(struct cmd_host *host, const char *name, struct domm_error *err)
{
    const struct domm_member *domm;
    cleanup_fd int lock = -1;
    int rc = domm_lock_records(&lock, err);
    rc = rc ? rc : cmd_host_refresh(host, err);
    rc = rc ? rc : cmd_host_find_domm(host, name, &domm, err);
    if (rc)
        return rc == -DOMM_REFUSED ? domm_hint(err, "xl destroy %s ends any domain", name) : rc;
    rc = cmd_refuse_moving(domm, err);
    if (rc)
        return rc;
    if (host->context->globals.dry_run) {
        printf("would destroy the domM %s\n", domm->domain.name);
        return 0;
    }
    const struct domm_record nothing = {0};
    const struct domm_record record =
        domm->record_state == DOMM_RECORD_VALID ? domm->record : nothing;
    const struct domm_uuid uuid = domm->domain.uuid;
    rc = domm_xen_destroy(host->context->xen, domm->domain.domid, err);
    rc = rc ? rc : domm_kept_remove(DOMM_KEPT_DIRECTORY, &uuid, err);
    rc = rc ? rc : cmd_host_refresh(host, err);
    if (rc)
        return rc;
    /* What it has mapped ends with it; what is mirrored to it does not. */
    domm_mirrors_reconcile(host->context->xen, host->netlink, &host->inventory, host->context->log);
    warn_unmonitored(host, &record);
    return 0;
}

int cmd_destroy(struct cmd_context *context, const struct cmd_arguments *arguments,
                struct domm_error *err)
{
    struct cmd_host host;
    int rc = cmd_host_open(context, &host, err);
    if (rc)
        return rc;
    rc = destroy(&host, arguments->operands[0], err);
    cmd_host_close(&host);
    return rc;
}
