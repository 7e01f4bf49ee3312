/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>

#include "cmd/domm/arguments.h"
#include "cmd/domm/commands.h"
#include "cmd/domm/host.h"
#include "lib/base/lock.h"
#include "lib/move/decision.h"
#include "lib/move/recover.h"
#include "lib/xen/guest.h"
#include "lib/xen/save.h"

struct request {
    bool force, restart, not_taken;
};

/* Whoever holds the targets sees the decision within a second, and acts on it. */
static int tell_holder(const struct domm_member *domm, const struct request *request,
                       struct domm_error *err)
{
    if (!request->force && !request->restart) {
        domm_fail(err, DOMM_REFUSED, "%s is being migrated: its targets run when it is ready",
                  domm->domain.name);
        return domm_hint(err, "if they are held, --restart or --force decides otherwise");
    }
    int rc = domm_decision_leave(&domm->domain.uuid,
                                 request->force ? DOMM_EVENT_FORCE : DOMM_EVENT_RESTART, err);
    if (!rc)
        printf("%s: decided, whoever holds its targets goes on\n", domm->domain.name);
    return rc;
}

/* One that has ended meanwhile is spoken of, and left. */
static int let_run(struct cmd_host *host, const struct domm_member *target, struct domm_error *err)
{
    struct domm_xen *xen = host->context->xen;
    const struct domm_domain *domain = &target->domain;
    int rc;
    if (domain->state == DOMM_STATE_SUSPENDED) {
        rc = domm_xen_resume(xen, domain->domid, err);
    } else if (domain->state == DOMM_STATE_PAUSED) {
        rc = domm_xen_unpause(xen, domain->domid, err);
    } else {
        if (domain->state > DOMM_STATE_PAUSED)
            domm_log(host->context->log, DOMM_LOG_WARN, "%s is %s", domain->name,
                     domm_domain_state_name(domain->state));
        return 0;
    }
    if (!rc)
        printf("%s runs\n", domain->name);
    return rc;
}

/* One that cannot run does not keep the others. */
static int let_each_run(struct cmd_host *host, const struct domm_record *record,
                        struct domm_error *err)
{
    struct domm_error one;
    int rc = 0;
    for (size_t i = 0; i < record->n_targets; i++) {
        const struct domm_member *target =
            domm_inventory_by_uuid(&host->inventory, &record->targets[i].uuid);
        if (target && let_run(host, target, &one) && !rc) {
            *err = one;
            rc = -(int)one.code;
        }
    }
    return rc;
}

/* While they run, nobody begins to move them: he would find them half-way. */
static int let_all_run(struct cmd_host *host, const struct domm_member *domm,
                       struct domm_error *err)
{
    cleanup_fd int locks = -1;
    const struct domm_record record = domm->record;
    const struct domm_uuid uuid = domm->domain.uuid;
    int rc = domm_guest_locks_open(&locks, err);
    bool mine = !rc && domm_guest_lock(locks, DOMM_LOCK_MOVE, &uuid);
    for (size_t i = 0; mine && i < record.n_targets; i++)
        mine = domm_guest_lock(locks, DOMM_LOCK_MOVE, &record.targets[i].uuid);
    if (!rc && !mine)
        rc = domm_fail(err, DOMM_PREFLIGHT, "the guests are being migrated: wait until that ends");
    rc = rc ? rc : cmd_host_refresh(host, err);
    return rc ? rc : let_each_run(host, &record, err);
}

/* A copy that has another name may be stale, or not yet anybody's: it must not run. */
static int refuse_copies(const struct cmd_host *host, const struct domm_member *domm,
                         struct domm_error *err)
{
    for (size_t i = 0; i <= domm->record.n_targets; i++) {
        const struct domm_member *member =
            i ? domm_inventory_by_uuid(&host->inventory, &domm->record.targets[i - 1].uuid) : domm;
        if (!member || !member->domain.name[domm_name_length(member->domain.name)])
            continue;
        domm_fail(err, DOMM_REFUSED,
                  "%s is a copy that a migration has left behind, and may be stale",
                  member->domain.name);
        return domm_hint(err, "if the guests run at the other host, xl destroy ends this one");
    }
    return 0;
}

/* What a process that was killed has not settled. *found_r: there was something. */
static int recover(struct cmd_host *host, const struct domm_member *domm,
                   const struct request *request, bool *found_r, struct domm_error *err)
{
    struct cmd_context *context = host->context;
    const struct domm_uuid uuid = domm->domain.uuid;
    int rc = domm_recover_source(context->log, &uuid, domm->domain.domid, request->not_taken,
                                 found_r, err);
    domm_inventory_free(&host->inventory);
    rc = rc ? rc
            : domm_inventory_read_unscanned(context->xen, context->log, &uuid, &host->inventory,
                                            err);
    domm = rc ? NULL : domm_inventory_by_uuid(&host->inventory, &uuid);
    if (domm && !*found_r)
        rc = domm_recover_destination(context->xen, &host->inventory, domm, found_r, err);
    return rc ? rc : cmd_host_refresh(host, err);
}

/* By its proper name also if it is about to be stale. */
static int find(const struct cmd_host *host, const char *name, const struct domm_member **domm_r,
                struct domm_error *err)
{
    char away[256];
    struct domm_error second;
    int rc = cmd_host_find_domm(host, name, domm_r, err);
    snprintf(away, sizeof(away), "%s" DOMM_AWAY, name);
    return rc == -DOMM_NOT_FOUND && cmd_host_find_domm(host, away, domm_r, &second) == 0 ? 0 : rc;
}

static int release(struct cmd_host *host, const char *name, const struct request *request,
                   struct domm_error *err)
{
    const struct domm_member *domm;
    bool recovered = false;
    int rc = find(host, name, &domm, err);
    if (rc)
        return rc;
    const struct domm_uuid uuid = domm->domain.uuid;
    if (domm_guest_is_moving(&uuid))
        return tell_holder(domm, request, err);
    if (request->restart) {
        domm_fail(err, DOMM_REFUSED, "nobody holds the targets of %s any more", domm->domain.name);
        return domm_hint(err, "domm release lets them run when domM is ready, or with --force at "
                              "once, unmonitored");
    }
    rc = recover(host, domm, request, &recovered, err);
    domm = rc ? NULL : domm_inventory_by_uuid(&host->inventory, &uuid);
    if (domm)
        rc = refuse_copies(host, domm, err);
    if (domm && !rc && !request->force)
        rc = cmd_wait_ready(host, &uuid, NULL, domm->record.ready_timeout, err);
    if (rc && domm && recovered) {
        err->code = DOMM_OUTCOME_UNKNOWN;
        return domm_hint(err, "domM runs, its targets stand still: try again, or with --force");
    }
    if (rc)
        return rc;
    domm = domm_inventory_by_uuid(&host->inventory, &uuid);
    return domm ? let_all_run(host, domm, err)
                : domm_fail(err, DOMM_NOT_FOUND, "%s has ended", name);
}

int cmd_release(struct cmd_context *context, const struct cmd_arguments *arguments,
                struct domm_error *err)
{
    struct request request = {0};
    struct cmd_host host;
    for (size_t i = 0; i < arguments->n_options; i++) {
        request.force |= arguments->options[i].id == 'f';
        request.restart |= arguments->options[i].id == 'r';
        request.not_taken |= arguments->options[i].id == 'n';
    }
    if (request.force && request.restart)
        return domm_fail(err, DOMM_USAGE, "--force and --restart exclude each other");
    int rc = cmd_host_open(context, &host, err);
    if (rc)
        return rc;
    cmd_interrupts_begin();
    rc = release(&host, arguments->operands[0], &request, err);
    cmd_interrupts_end();
    cmd_host_close(&host);
    return rc;
}
