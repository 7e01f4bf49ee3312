/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/domm/host.h"

#include <spawn.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "lib/base/lock.h"
#include "lib/pair/storage.h"
#include "lib/watch/netlink.h"

#define DOMMD_PATIENCE 50 /* tenths of a second */

extern char **environ;

int cmd_host_refresh(struct cmd_host *host, struct domm_error *err)
{
    domm_inventory_free(&host->inventory);
    return domm_inventory_read(host->context->xen, host->context->log, &host->inventory, err);
}

int cmd_host_open(struct cmd_context *context, struct cmd_host *host_r, struct domm_error *err)
{
    *host_r = (struct cmd_host){.context = context};
    int rc = domm_store_open(&host_r->store, err);
    rc = rc ? rc : domm_netlink_open(&host_r->netlink, err);
    rc = rc ? rc : cmd_host_refresh(host_r, err);
    if (rc)
        cmd_host_close(host_r);
    return rc;
}

void cmd_host_close(struct cmd_host *host)
{
    domm_inventory_free(&host->inventory);
    domm_netlink_close(host->netlink);
    domm_store_close(host->store);
}

int cmd_host_find_domm(const struct cmd_host *host, const char *text,
                       const struct domm_member **domm_r, struct domm_error *err)
{
    int rc = domm_inventory_find(&host->inventory, text, domm_r, err);
    if (rc || (*domm_r)->record_state != DOMM_RECORD_ABSENT)
        return rc;
    domm_fail(err, DOMM_REFUSED, "%s is not a domM", text);
    return domm_hint(err, "domm list shows which domains are");
}

int cmd_refuse_unreadable(const struct domm_member *domm, struct domm_error *err)
{
    domm_fail(err, DOMM_REFUSED, "the record of %s cannot be read", domm->domain.name);
    return domm_hint(err, "domm list says why; domm destroy ends the domM, and its targets run on");
}

int cmd_refuse_moving(const struct domm_member *member, struct domm_error *err)
{
    if (!domm_guest_is_moving(&member->domain.uuid))
        return 0;
    domm_fail(err, DOMM_PREFLIGHT, "%s is being migrated", member->domain.name);
    return domm_hint(err, "wait until that ends; if its targets are held, domm release decides");
}

static int start_dommd(struct domm_error *err)
{
    char name[] = "dommd", *argv[] = {name, NULL};
    pid_t pid;
    int status = 0;
    int reason = posix_spawnp(&pid, "dommd", NULL, NULL, argv, environ);
    if (reason)
        return domm_fail_errno(err, DOMM_PREFLIGHT, reason, "starting dommd");
    if (waitpid(pid, &status, 0) != pid || status)
        return domm_fail(err, DOMM_PREFLIGHT, "dommd could not be started; it has said why");
    return 0;
}

int cmd_need_dommd(struct cmd_context *context, struct domm_error *err)
{
    struct stat systemd; /* sd_booted(3) */
    if (domm_service_runs())
        return 0;
    if (context->globals.dry_run || lstat("/run/systemd/system", &systemd) == 0) {
        domm_fail(err, DOMM_PREFLIGHT, "dommd does not run, so nothing could be mapped");
        return domm_hint(err, "systemctl start dommd");
    }
    int rc = start_dommd(err);
    for (int i = 0; !rc && !domm_service_runs(); i++) {
        if (i == DOMMD_PATIENCE)
            return domm_fail(err, DOMM_PREFLIGHT, "dommd has been started, but does not run");
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
        domm_log(context->log, DOMM_LOG_WARN, "%s: %s; domM may be let", key, doubt);
    return 0;
}
