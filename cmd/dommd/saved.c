/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Monitors that were saved by another toolstack, and are restored. */
#include "cmd/dommd/saved.h"

#include <string.h>

#include "cmd/dommd/monitor.h"
#include "lib/base/cleanup.h"
#include "lib/pair/inventory.h"
#include "lib/pair/locks.h"
#include "lib/pair/saved_record.h"
#include "lib/xen/suspend.h"
#include "lib/xen/userdata.h"

void monitor_note_suspended(struct service *service, struct monitor *monitor,
                            const struct domm_inventory_entry *entry)
{
    struct domm_error err;
    cleanup_free char *record = NULL;
    bool suspended = entry->domain.state == DOMM_DOMAIN_SUSPENDED;
    if (monitor->state != MONITOR_MIGRATING && suspended)
        monitor_enter(monitor, MONITOR_SUSPENDED);
    else if (monitor->state == MONITOR_SUSPENDED)
        monitor_enter(monitor, MONITOR_SERVED);
    monitor->record_saved &= suspended;
    /* A migration moves the record; a stale copy that it has left is never restored. */
    if (monitor->record_saved || !suspended || entry->record_state != DOMM_RECORD_VALID ||
        domm_guest_is_moving(&monitor->uuid) ||
        domm_xen_suspended_by_domm(service->xen, monitor->domid))
        return;
    monitor->record_saved = true;
    if (domm_record_format(&entry->record, &record, &err) ||
        domm_saved_record_write(DOMM_SAVED_RECORD_DIRECTORY, &monitor->uuid, record, &err))
        domm_log(&service->log, DOMM_LOG_ERROR, "%s (%u): saving its record for its restore: %s",
                 monitor->name, monitor->domid, err.text);
}

static bool is_monitored(const struct domm_inventory *inventory, const struct domm_uuid *target)
{
    for (size_t i = 0; i < inventory->count; i++) {
        const struct domm_inventory_entry *entry = &inventory->entries[i];
        if (entry->record_state == DOMM_RECORD_VALID && domm_record_find(&entry->record, target))
            return true;
    }
    return false;
}

/* Without the targets that another monitor has by now. */
static void adapt(struct service *service, const struct domm_inventory *inventory,
                  const struct domm_inventory_entry *monitor, struct domm_record *record)
{
    size_t kept = 0;
    for (size_t i = 0; i < record->n_targets; i++) {
        if (!is_monitored(inventory, &record->targets[i].uuid))
            record->targets[kept++] = record->targets[i];
    }
    if (kept < record->n_targets)
        domm_log(&service->log, DOMM_LOG_WARN,
                 "%s (%u) is restored, but another monitor monitors %zu of its targets",
                 monitor->domain.name, monitor->domain.domid, record->n_targets - kept);
    record->n_targets = kept;
}

static int saved_give(struct service *service, const struct domm_inventory *inventory,
                      const struct domm_inventory_entry *monitor, const char *text,
                      struct domm_error *err)
{
    static struct domm_record record;
    cleanup_free char *adapted = NULL;
    int rc = domm_record_parse(text, strlen(text), &record, err);
    if (rc)
        return rc;
    adapt(service, inventory, monitor, &record);
    rc = domm_record_format(&record, &adapted, err);
    if (rc)
        return rc;
    rc = domm_xen_userdata_store(service->xen, monitor->domain.domid, DOMM_RECORD_USERDATA, adapted,
                                 err);
    if (rc)
        return rc;
    domm_log(&service->log, DOMM_LOG_INFO, "%s (%u) is restored, with its record",
             monitor->domain.name, monitor->domain.domid);
    return 0;
}

/* Under the lock, in which nobody else makes a record. */
static int saved_take_up(struct service *service, const struct domm_uuid *uuid, const char *text,
                         struct domm_error *err)
{
    struct domm_inventory inventory;
    cleanup_fd int lock = -1;
    int rc = domm_lock_records(&lock, err);
    if (rc)
        return rc;
    rc = domm_inventory_read(service->xen, &service->log, &inventory, err);
    if (rc)
        return rc;
    const struct domm_inventory_entry *monitor = domm_inventory_by_uuid(&inventory, uuid);
    if (monitor && monitor->record_state == DOMM_RECORD_ABSENT)
        rc = saved_give(service, &inventory, monitor, text, err);
    domm_inventory_free(&inventory);
    if (rc)
        return rc;
    return domm_saved_record_remove(DOMM_SAVED_RECORD_DIRECTORY, uuid, err);
}

/* One that is paused may not be whole yet. */
static bool may_be_restored(const struct domm_inventory_entry *entry)
{
    return entry->record_state == DOMM_RECORD_ABSENT && entry->domain.type == DOMM_DOMAIN_PV &&
           entry->domain.domid != 0 && entry->domain.state < DOMM_DOMAIN_PAUSED;
}

void service_return_records(struct service *service, const struct domm_inventory *inventory)
{
    for (size_t i = 0; i < inventory->count; i++) {
        const struct domm_inventory_entry *entry = &inventory->entries[i];
        cleanup_free char *text = NULL;
        struct domm_error err;
        if (!may_be_restored(entry))
            continue;
        int rc =
            domm_saved_record_read(DOMM_SAVED_RECORD_DIRECTORY, &entry->domain.uuid, &text, &err);
        if (!rc && text)
            rc = saved_take_up(service, &entry->domain.uuid, text, &err);
        if (rc)
            domm_log(&service->log, DOMM_LOG_WARN, "%s (%u): restoring its record: %s",
                     entry->domain.name, entry->domain.domid, err.text);
        if (text && !rc)
            service_reconcile_soon(service);
    }
}
