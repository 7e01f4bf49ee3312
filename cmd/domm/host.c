/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/domm/host.h"

#include <spawn.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd/domm/interrupts.h"
#include "lib/base/process.h"
#include "lib/net/netlink.h"
#include "lib/pair/locks.h"
#include "lib/pair/storage_check.h"

#define DOMMD_PATIENCE 50 /* tenths of a second */

extern char **environ;

int cmd_host_refresh(struct cmd_host *host, struct domm_error *err)
{
    domm_inventory_free(&host->inventory);
    return domm_inventory_read_unscanned(host->context->xen, host->context->log, NULL,
                                         &host->inventory, err);
}

int cmd_host_lock(struct cmd_host *host, int *lock_r, struct domm_error *err)
{
    int rc = domm_lock_records(lock_r, err);
    if (rc)
        return rc;
    return cmd_host_refresh(host, err);
}

int cmd_host_open(struct cmd_context *context, struct cmd_host *host_r, struct domm_error *err)
{
    *host_r = (struct cmd_host){.context = context};
    if (domm_store_open(&host_r->store, err) || domm_netlink_open(&host_r->netlink, err) ||
        cmd_host_refresh(host_r, err)) {
        cmd_host_close(host_r);
        return -(int)err->code;
    }
    return 0;
}

void cmd_host_close(struct cmd_host *host)
{
    domm_inventory_free(&host->inventory);
    domm_netlink_close(host->netlink);
    domm_store_close(host->store);
}

int cmd_host_find_monitor(const struct cmd_host *host, const char *text,
                          const struct domm_inventory_entry **monitor_r, struct domm_error *err)
{
    int rc = domm_inventory_find(&host->inventory, text, monitor_r, err);
    if (rc || (*monitor_r)->record_state != DOMM_RECORD_ABSENT)
        return rc;
    const struct domm_inventory_entry *its =
        domm_inventory_monitor_of(&host->inventory, *monitor_r, NULL);
    if (its) {
        domm_fail(err, DOMM_REFUSED, "%s is a target of %s, not a monitor", text, its->domain.name);
        return domm_hint(err, "name the monitor, %s; xl is for the target itself",
                         its->domain.name);
    }
    domm_fail(err, DOMM_REFUSED, "%s is not a monitor", text);
    return domm_hint(err, "domm list shows the role of each domain; xl is for other domains");
}

int cmd_refuse_moving(const struct domm_inventory_entry *entry, struct domm_error *err)
{
    if (!domm_guest_is_moving(&entry->domain.uuid))
        return 0;
    domm_fail(err, DOMM_PREFLIGHT, "%s is being migrated", entry->domain.name);
    return domm_hint(
        err, "wait until the migration ends; if it holds the targets, decide with domm release");
}

static int start_dommd(struct domm_error *err)
{
    char name[] = "dommd", *argv[] = {name, NULL};
    pid_t pid;
    int reason = posix_spawnp(&pid, "dommd", NULL, NULL, argv, environ);
    if (reason)
        return domm_fail_errno(err, DOMM_PREFLIGHT, reason, "starting dommd");
    if (domm_process_await(pid))
        return domm_fail(err, DOMM_PREFLIGHT, "cannot start dommd; see its message above");
    return 0;
}

int cmd_need_dommd(struct cmd_context *context, struct domm_error *err)
{
    struct stat systemd; /* sd_booted(3) */
    if (domm_service_runs())
        return 0;
    if (context->globals.dry_run || lstat("/run/systemd/system", &systemd) == 0) {
        domm_fail(err, DOMM_PREFLIGHT, "dommd does not run");
        return domm_hint(err, "systemctl start dommd");
    }
    int rc = start_dommd(err);
    for (int i = 0; !rc && !domm_service_runs(); i++) {
        if (i == DOMMD_PATIENCE)
            return domm_fail(err, DOMM_PREFLIGHT,
                             "dommd was started but does not run; see /var/log/dommd.log");
        rc = cmd_pause_ms(100, err);
    }
    return rc;
}

int cmd_check_storage(struct cmd_context *context, const char *key,
                      const struct domm_storage *storage, struct domm_error *err)
{
    char doubt[DOMM_STORAGE_DOUBT];
    int rc = domm_storage_check(storage, DOMM_STORAGE_PATIENCE_MS, doubt, err);
    if (rc)
        return domm_wrap(err, "%s", key);
    if (doubt[0])
        domm_log(context->log, DOMM_LOG_WARN, "%s: %s; the server may still admit the monitor", key,
                 doubt);
    return 0;
}

bool cmd_inventory_silently(struct domm_inventory *inventory_r)
{
    struct domm_log silent;
    cleanup_xen struct domm_xen *xen = NULL;
    struct domm_error ignored;
    domm_log_init(&silent, stderr, "domm");
    silent.minimum = DOMM_LOG_LEVELS;
    return !domm_xen_open(&silent, &xen, &ignored) &&
           !domm_inventory_read(xen, &silent, inventory_r, &ignored);
}
