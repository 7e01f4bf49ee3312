/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What becomes of guests that are tended (lib/xen/ending.h), and power off, reboot or crash. */
#include "cmd/dommd/watcher.h"
#include "lib/base/cleanup.h"
#include "lib/base/lock.h"
#include "lib/xen/ending.h"
#include "lib/xen/guest.h"

/* If it is a domM, the new one watches what the old one did, and the old one, if it is there yet,
 * nothing. */
static int take_up(struct service *service, const struct domm_member *member, uint32_t domid,
                   struct domm_error *err)
{
    cleanup_free char *record = NULL;
    struct domm_error gone;
    int rc = 0;
    if (member->record_state == DOMM_RECORD_VALID) {
        rc = domm_record_format(&member->record, &record, err);
        rc = rc ? rc
                : domm_xen_userdata_store(service->xen, domid, DOMM_RECORD_USERDATA, record, err);
        if (!rc && domm_memory_alive(service->memory, member->domain.domid))
            domm_xen_userdata_store(service->xen, member->domain.domid, DOMM_RECORD_USERDATA, NULL,
                                    &gone);
    }
    return rc ? rc : domm_xen_unpause(service->xen, domid, err);
}

static void end(struct service *service, const struct domm_member *member)
{
    const struct domm_domain *domain = &member->domain;
    enum domm_ending ending;
    uint32_t domid = 0;
    struct domm_error err;
    domm_log(&service->log, DOMM_LOG_WARN, "%s (%u) is %s%s", domain->name, domain->domid,
             domm_domain_state_name(domain->state),
             member->record_state == DOMM_RECORD_VALID ? "; its targets are not monitored" : "");
    int rc = domm_xen_end(service->xen, domain->domid, &ending, &domid, &err);
    if (!rc && ending == DOMM_ENDING_RESTARTED)
        rc = take_up(service, member, domid, &err);
    if (rc)
        domm_log(&service->log, DOMM_LOG_ERROR, "%s (%u): %s", domain->name, domain->domid,
                 err.text);
    else if (ending == DOMM_ENDING_RESTARTED)
        domm_log(&service->log, DOMM_LOG_INFO, "%s is restarted as domain %u", domain->name, domid);
    service->inventory_due |= ending != DOMM_ENDING_NONE;
}

/* Under the lock, in which nobody else makes a record: one that changes while a core is written
 * would be lost. */
static void end_alone(struct service *service, const struct domm_domain *domain)
{
    struct domm_inventory inventory;
    struct domm_error err;
    cleanup_fd int lock = -1;
    int rc = domm_lock_records(&lock, &err);
    rc = rc ? rc : domm_inventory_read(service->xen, &service->log, &inventory, &err);
    if (rc) { /* the next time */
        domm_log(&service->log, DOMM_LOG_WARN, "%s (%u) has ended: %s", domain->name, domain->domid,
                 err.text);
        return;
    }
    const struct domm_member *member = domm_inventory_by_uuid(&inventory, &domain->uuid);
    if (member && member->domain.domid == domain->domid)
        end(service, member);
    domm_inventory_free(&inventory);
}

static bool has_ended(const struct domm_domain *domain)
{
    return domain->state == DOMM_STATE_SHUTDOWN || domain->state == DOMM_STATE_CRASHED;
}

void service_end(struct service *service, const struct domm_inventory *inventory)
{
    for (size_t i = 0; i < inventory->count; i++) {
        const struct domm_domain *domain = &inventory->members[i].domain;
        if (has_ended(domain) && domm_xen_end_is_due(service->xen, domain->domid))
            end_alone(service, domain);
    }
}
