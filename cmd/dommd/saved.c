/* SPDX-License-Identifier: GPL-3.0-or-later */
/* domMs that were saved by another toolstack, and are restored. */
#include <string.h>

#include "cmd/dommd/watcher.h"
#include "lib/base/cleanup.h"
#include "lib/base/lock.h"
#include "lib/pair/kept.h"
#include "lib/xen/guest.h"

void watcher_see_suspended(struct service *service, struct watcher *watcher,
                           const struct domm_member *member)
{
    struct domm_error err;
    cleanup_free char *record = NULL;
    watcher->suspended = member->domain.state == DOMM_STATE_SUSPENDED;
    watcher->kept &= watcher->suspended;
    if (watcher->kept || !watcher->suspended || member->record_state != DOMM_RECORD_VALID ||
        domm_guest_is_moving(&watcher->uuid)) /* with its record */
        return;
    watcher->kept = true;
    int rc = domm_record_format(&member->record, &record, &err);
    rc = rc ? rc : domm_kept_write(DOMM_KEPT_DIRECTORY, &watcher->uuid, record, &err);
    if (rc)
        domm_log(&service->log, DOMM_LOG_ERROR,
                 "%s (%u): keeping what it watches, for when it is restored: %s", watcher->name,
                 watcher->domid, err.text);
}

static bool is_watched(const struct domm_inventory *inventory, const struct domm_uuid *target)
{
    for (size_t i = 0; i < inventory->count; i++) {
        const struct domm_member *member = &inventory->members[i];
        if (member->record_state == DOMM_RECORD_VALID && domm_record_find(&member->record, target))
            return true;
    }
    return false;
}

/* Without what another domM watches by now. */
static void adapt(struct service *service, const struct domm_inventory *inventory,
                  const struct domm_member *domm, struct domm_record *record)
{
    size_t kept = 0;
    for (size_t i = 0; i < record->n_targets; i++) {
        if (!is_watched(inventory, &record->targets[i].uuid))
            record->targets[kept++] = record->targets[i];
    }
    if (kept < record->n_targets)
        domm_log(&service->log, DOMM_LOG_WARN,
                 "%s (%u) is restored, but another domM watches %zu of its targets",
                 domm->domain.name, domm->domain.domid, record->n_targets - kept);
    record->n_targets = kept;
}

static int give(struct service *service, const struct domm_inventory *inventory,
                const struct domm_member *domm, const char *text, struct domm_error *err)
{
    static struct domm_record record;
    cleanup_free char *adapted = NULL;
    int rc = domm_record_parse(text, strlen(text), &record, err);
    if (rc)
        return rc;
    adapt(service, inventory, domm, &record);
    rc = domm_record_format(&record, &adapted, err);
    rc = rc ? rc
            : domm_xen_userdata_store(service->xen, domm->domain.domid, DOMM_RECORD_USERDATA,
                                      adapted, err);
    if (!rc)
        domm_log(&service->log, DOMM_LOG_INFO, "%s (%u) is restored: it watches what it did",
                 domm->domain.name, domm->domain.domid);
    return rc;
}

/* Under the lock, in which nobody else makes a record. */
static int take_up(struct service *service, const struct domm_uuid *uuid, const char *text,
                   struct domm_error *err)
{
    struct domm_inventory inventory;
    cleanup_fd int lock = -1;
    int rc = domm_lock_records(&lock, err);
    rc = rc ? rc : domm_inventory_read(service->xen, &service->log, &inventory, err);
    if (rc)
        return rc;
    const struct domm_member *domm = domm_inventory_by_uuid(&inventory, uuid);
    if (domm && domm->record_state == DOMM_RECORD_ABSENT)
        rc = give(service, &inventory, domm, text, err);
    domm_inventory_free(&inventory);
    return rc ? rc : domm_kept_remove(DOMM_KEPT_DIRECTORY, uuid, err);
}

/* One that is paused may not be whole yet. */
static bool may_be_restored(const struct domm_member *member)
{
    return member->record_state == DOMM_RECORD_ABSENT && member->domain.type == DOMM_TYPE_PV &&
           member->domain.domid != 0 && member->domain.state < DOMM_STATE_PAUSED;
}

void service_return_records(struct service *service, const struct domm_inventory *inventory)
{
    for (size_t i = 0; i < inventory->count; i++) {
        const struct domm_member *member = &inventory->members[i];
        cleanup_free char *text = NULL;
        struct domm_error err;
        if (!may_be_restored(member))
            continue;
        int rc = domm_kept_read(DOMM_KEPT_DIRECTORY, &member->domain.uuid, &text, &err);
        if (!rc && text)
            rc = take_up(service, &member->domain.uuid, text, &err);
        if (rc)
            domm_log(&service->log, DOMM_LOG_WARN,
                     "%s (%u): what it watched before it was saved: %s", member->domain.name,
                     member->domain.domid, err.text);
        service->inventory_due |= text && !rc;
    }
}
