/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What becomes of guests that are managed by dommd (lib/xen/lifecycle.h), and power off, reboot or
 * crash. */
#include "cmd/dommd/lifecycle.h"

#include "cmd/dommd/ending_process.h"
#include "lib/base/cleanup.h"
#include "lib/pair/inventory.h"
#include "lib/pair/locks.h"
#include "lib/xen/domain.h"
#include "lib/xen/hv.h"
#include "lib/xen/lifecycle.h"
#include "lib/xen/userdata.h"

/* Gives the record of a monitor that has ended to the domain that replaces it. */
static int hand_over_record(struct service *service, const struct domm_inventory_entry *entry,
                            uint32_t domid, struct domm_error *err)
{
    cleanup_free char *record = NULL;
    struct domm_error ignored;
    int rc = domm_record_format(&entry->record, &record, err);
    if (rc)
        return rc;
    rc = domm_xen_userdata_store(service->xen, domid, DOMM_RECORD_USERDATA, record, err);
    if (rc)
        return rc;
    if (domm_hv_alive(service->hv, entry->domain.domid))
        domm_xen_userdata_store(service->xen, entry->domain.domid, DOMM_RECORD_USERDATA, NULL,
                                &ignored);
    return 0;
}

static int lifecycle_take_up(struct service *service, const struct domm_inventory_entry *entry,
                             uint32_t domid, struct domm_error *err)
{
    if (entry->record_state == DOMM_RECORD_VALID) {
        int rc = hand_over_record(service, entry, domid, err);
        if (rc)
            return rc;
    }
    return domm_xen_unpause(service->xen, domid, err);
}

static int end(struct service *service, const struct domm_inventory_entry *entry,
               struct domm_error *err)
{
    const struct domm_domain *domain = &entry->domain;
    enum domm_shutdown_outcome ending;
    uint32_t domid = 0;
    int rc = domm_xen_handle_shutdown(service->xen, domain->domid, &ending, &domid, err);
    if (!rc && ending == DOMM_SHUTDOWN_RESTARTED)
        rc = lifecycle_take_up(service, entry, domid, err);
    if (rc)
        return domm_wrap(err, "%s (%u)", domain->name, domain->domid);
    if (ending == DOMM_SHUTDOWN_RESTARTED)
        domm_log(&service->log, DOMM_LOG_INFO, "%s is restarted as domain %u", domain->name, domid);
    return 0;
}

static bool has_ended(struct domm_xen *xen, const struct domm_domain *domain)
{
    return (domain->state == DOMM_DOMAIN_SHUTDOWN || domain->state == DOMM_DOMAIN_CRASHED) &&
           domm_xen_shutdown_is_due(xen, domain->domid);
}

/* The guest, if it has ended and is due; or null. */
static const struct domm_inventory_entry *find_ended(struct service *service,
                                                     const struct domm_inventory *inventory,
                                                     uint32_t domid)
{
    for (size_t i = 0; i < inventory->count; i++) {
        const struct domm_inventory_entry *entry = &inventory->entries[i];
        if (entry->domain.domid == domid)
            return has_ended(service->xen, &entry->domain) ? entry : NULL;
    }
    return NULL;
}

/* Under the lock, in which nobody else makes a record. */
static int end_alone(struct service *service, uint32_t domid, struct domm_error *err)
{
    struct domm_inventory inventory;
    cleanup_fd int lock = -1;
    int rc = domm_lock_records(&lock, err);
    if (rc)
        return rc;
    rc = domm_inventory_read(service->xen, &service->log, &inventory, err);
    if (rc)
        return rc;
    const struct domm_inventory_entry *entry = find_ended(service, &inventory, domid);
    if (entry)
        rc = end(service, entry, err);
    domm_inventory_free(&inventory);
    return rc;
}

/* False if there is nothing to do. */
static bool announce(struct service *service, uint32_t domid)
{
    struct domm_inventory inventory;
    struct domm_error err;
    if (domm_inventory_read(service->xen, &service->log, &inventory, &err)) {
        domm_log_error(&service->log, &err);
        return false;
    }
    const struct domm_inventory_entry *entry = find_ended(service, &inventory, domid);
    if (entry)
        domm_log(&service->log, DOMM_LOG_WARN, "%s (%u) is %s%s", entry->domain.name, domid,
                 domm_domain_state_name(entry->domain.state),
                 entry->record_state == DOMM_RECORD_VALID ? "; its targets are not monitored" : "");
    domm_inventory_free(&inventory);
    return entry != NULL;
}

/* The dump comes first, and without the lock: records of other guests may change meanwhile. As with
 * xl, what else is to be done is done even if it fails. */
int service_handle_ending(struct service *service, uint32_t domid, struct domm_error *err)
{
    cleanup_fd int ending = -1;
    bool locked;
    int rc = domm_lock_shutdown(domid, &ending, &locked, err);
    if (rc || !locked || !announce(service, domid))
        return rc;
    if (domm_xen_dump_core(service->xen, domid, err))
        domm_log_error(&service->log, err);
    return end_alone(service, domid, err);
}

void service_start_endings(struct service *service, const struct domm_inventory *inventory)
{
    for (size_t i = 0; i < inventory->count; i++) {
        const struct domm_domain *domain = &inventory->entries[i].domain;
        struct domm_error err;
        if (has_ended(service->xen, domain) && !domm_shutdown_is_handled(domain->domid) &&
            ending_process_start(&service->log, domain->domid, &err))
            domm_log(&service->log, DOMM_LOG_WARN, "%s (%u) has ended: %s", domain->name,
                     domain->domid, err.text);
    }
}
