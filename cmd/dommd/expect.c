/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/dommd/expect.h"

#include "lib/base/cleanup.h"
#include "lib/pair/expectation.h"
#include "lib/pair/locks.h"

/* A copy that a migration makes, or leaves, is not expected here: the migration says when. */
static bool is_expected_here(const struct domm_inventory_entry *monitor)
{
    const char *name = monitor->domain.name;
    return monitor->record_state == DOMM_RECORD_VALID &&
           monitor->domain.state != DOMM_DOMAIN_DYING && *name && !name[domm_name_length(name)] &&
           !domm_guest_is_moving(&monitor->domain.uuid);
}

/* The targets of its record that are not expected yet. */
static void take_missing(const struct domm_inventory_entry *monitor, struct domm_record *missing_r)
{
    missing_r->n_targets = 0;
    for (size_t i = 0; is_expected_here(monitor) && i < monitor->record.n_targets; i++) {
        if (!domm_expectation_exists(&monitor->record.targets[i].uuid))
            missing_r->targets[missing_r->n_targets++] = monitor->record.targets[i];
    }
}

static bool is_any_missing(const struct domm_inventory *inventory)
{
    static struct domm_record missing;
    for (size_t i = 0; i < inventory->count; i++) {
        take_missing(&inventory->entries[i], &missing);
        if (missing.n_targets)
            return true;
    }
    return false;
}

static int note_missing(const struct domm_inventory *inventory, struct domm_error *err)
{
    static struct domm_record missing;
    int rc = 0;
    for (size_t i = 0; !rc && i < inventory->count; i++) {
        const struct domm_domain *monitor = &inventory->entries[i].domain;
        take_missing(&inventory->entries[i], &missing);
        rc = domm_expectations_note(inventory, &monitor->uuid, monitor->name, &missing, err);
    }
    return rc;
}

/* Under the lock the records are read again: a detach since then has ended what they say. */
static int expect_under_lock(struct service *service, struct domm_error *err)
{
    struct domm_inventory now;
    int rc = domm_inventory_read(service->xen, &service->log, &now, err);
    if (rc)
        return rc;
    rc = note_missing(&now, err);
    domm_inventory_free(&now);
    return rc;
}

void service_note_expected(struct service *service, const struct domm_inventory *inventory)
{
    struct domm_error err;
    cleanup_fd int lock = -1;
    if (!is_any_missing(inventory) || !domm_try_lock_records(&lock))
        return;
    if (expect_under_lock(service, &err))
        domm_log(&service->log, DOMM_LOG_WARN, "noting which targets are to be monitored: %s",
                 err.text);
}
