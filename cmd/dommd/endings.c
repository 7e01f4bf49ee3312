/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What becomes of domMs that power off, reboot or crash, if domm create has made them; and of
 * targets, if domm migrate has brought them: nobody else looks after these. */
#include "cmd/dommd/watcher.h"
#include "lib/base/cleanup.h"
#include "lib/xen/ending.h"
#include "lib/xen/guest.h"

/* One that ends as soon as it has begun is not restarted in a hurry (xl's MIN_DOMAIN_LIFETIME). */
#define MIN_LIFE_MS 5000

/* The new domM watches what the old one did. */
static int take_up(struct service *service, const struct domm_member *member, uint32_t domid,
                   struct domm_error *err)
{
    cleanup_free char *record = NULL;
    int rc = domm_record_format(&member->record, &record, err);
    rc = rc ? rc : domm_xen_userdata_store(service->xen, domid, DOMM_RECORD_USERDATA, record, err);
    return rc ? rc : domm_xen_unpause(service->xen, domid, err);
}

static void end(struct service *service, struct watcher *watcher, const struct domm_member *member)
{
    enum domm_ending ending;
    uint32_t domid = 0;
    struct domm_error err;
    watcher->ended = true;
    domm_log(&service->log, DOMM_LOG_WARN, "%s (%u) is %s; its targets are not monitored",
             watcher->name, watcher->domid, domm_domain_state_name(member->domain.state));
    int rc = domm_xen_end(service->xen, watcher->domid, &ending, &domid, &err);
    if (!rc && ending == DOMM_ENDING_RESTARTED)
        rc = take_up(service, member, domid, &err);
    if (rc)
        domm_log(&service->log, DOMM_LOG_ERROR, "%s (%u): %s", watcher->name, watcher->domid,
                 err.text);
    else if (ending == DOMM_ENDING_RESTARTED)
        domm_log(&service->log, DOMM_LOG_INFO, "%s is restarted as domain %u", watcher->name,
                 domid);
    service->inventory_due |= ending != DOMM_ENDING_NONE;
}

static bool has_ended(const struct domm_domain *domain)
{
    return domain->state == DOMM_STATE_SHUTDOWN || domain->state == DOMM_STATE_CRASHED;
}

static void end_target(struct service *service, struct target *target,
                       const struct domm_domain *domain)
{
    enum domm_ending ending;
    uint32_t domid = 0;
    struct domm_error err;
    target->ended = true;
    domm_log(&service->log, DOMM_LOG_INFO, "%s (%u), which was migrated here, is %s", target->name,
             domain->domid, domm_domain_state_name(domain->state));
    int rc = domm_xen_end(service->xen, domain->domid, &ending, &domid, &err);
    if (!rc && ending == DOMM_ENDING_RESTARTED)
        rc = domm_xen_unpause(service->xen, domid, &err);
    if (rc)
        domm_log(&service->log, DOMM_LOG_ERROR, "%s (%u): %s", target->name, domain->domid,
                 err.text);
    else if (ending == DOMM_ENDING_RESTARTED)
        domm_log(&service->log, DOMM_LOG_INFO, "%s is restarted as domain %u", target->name, domid);
    service->inventory_due |= ending != DOMM_ENDING_NONE;
}

static void end_targets(struct service *service, struct watcher *watcher,
                        const struct domm_inventory *inventory)
{
    for (size_t i = 0; i < watcher->n_targets; i++) {
        struct target *target = &watcher->targets[i];
        const struct domm_member *member = domm_inventory_by_uuid(inventory, &target->uuid);
        if (target->adopted && !target->ended && member && member->domain.domid == target->domid &&
            has_ended(&member->domain) && now_ms() - target->since_ms >= MIN_LIFE_MS)
            end_target(service, target, &member->domain);
    }
}

void service_end(struct service *service, const struct domm_inventory *inventory)
{
    for (struct watcher *w = service->watchers; w; w = w->next) {
        const struct domm_member *member = domm_inventory_by_uuid(inventory, &w->uuid);
        end_targets(service, w, inventory);
        if (!member || member->domain.domid != w->domid || w->ended ||
            member->record_state != DOMM_RECORD_VALID || !member->record.managed ||
            now_ms() - w->since_ms < MIN_LIFE_MS)
            continue;
        if (has_ended(&member->domain))
            end(service, w, member);
    }
}
