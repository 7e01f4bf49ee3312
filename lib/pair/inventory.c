/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/pair/inventory.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/sleep.h"
#include "lib/mapping/pause_guard.h"
#include "lib/xen/userdata.h"

/* A scan takes tenths of a second. */
#define SCAN_LOOKS 30
#define SCAN_LOOK_MS 100

/* 0, -DOMM_NOT_FOUND if the domain ended meanwhile, or the reason why its record is not valid. */
static int read_record(struct domm_xen *xen, struct domm_inventory_entry *entry,
                       struct domm_error *err)
{
    cleanup_free char *data = NULL;
    size_t size = 0;
    int rc =
        domm_xen_userdata_read(xen, entry->domain.domid, DOMM_RECORD_USERDATA, &data, &size, err);
    entry->record_state = rc ? DOMM_RECORD_INVALID : DOMM_RECORD_ABSENT;
    if (rc || !data)
        return rc;
    rc = domm_record_parse(data, size, &entry->record, err);
    entry->record_state = rc ? DOMM_RECORD_INVALID : DOMM_RECORD_VALID;
    return rc;
}

static void warn_invalid(struct domm_log *log, const struct domm_domain *domain,
                         const struct domm_error *reason)
{
    domm_log(log, DOMM_LOG_WARN,
             "the record of domain %s (%u) is not valid, so its targets are not known: %s",
             domain->name, domain->domid, reason->text);
}

/* Adds each domain of the array that still exists. */
static void inventory_fill(struct domm_xen *xen, struct domm_log *log,
                           struct domm_inventory *inventory, struct domm_domain *domains,
                           size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct domm_inventory_entry *entry = &inventory->entries[inventory->count];
        struct domm_error reason;
        entry->domain = domains[i];
        int rc = read_record(xen, entry, &reason);
        if (rc == -DOMM_NOT_FOUND) {
            free(domains[i].name);
            continue;
        }
        if (rc)
            warn_invalid(log, &entry->domain, &reason);
        inventory->count++;
    }
}

int domm_inventory_read(struct domm_xen *xen, struct domm_log *log,
                        struct domm_inventory *inventory_r, struct domm_error *err)
{
    struct domm_domain *domains;
    size_t count;
    int rc = domm_xen_domains(xen, &domains, &count, err);
    if (rc)
        return rc;
    *inventory_r =
        (struct domm_inventory){.entries = calloc(count, sizeof(struct domm_inventory_entry))};
    if (!inventory_r->entries) {
        domm_domains_free(domains, count);
        return domm_no_memory(err);
    }
    inventory_fill(xen, log, inventory_r, domains, count);
    free(domains); /* the members own the names */
    return 0;
}

static bool is_paused_monitor(const struct domm_inventory_entry *entry,
                              const struct domm_uuid *monitor)
{
    if (entry->domain.state != DOMM_DOMAIN_PAUSED)
        return false;
    return monitor ? domm_uuid_equal(&entry->domain.uuid, monitor)
                   : entry->record_state == DOMM_RECORD_VALID;
}

/* Counts the monitors that are paused, and those of them that a process of domm holds. */
static size_t count_paused(const struct domm_inventory *inventory, const struct domm_uuid *monitor,
                           size_t *held_r)
{
    size_t paused = 0;
    *held_r = 0;
    for (size_t i = 0; i < inventory->count; i++) {
        if (!is_paused_monitor(&inventory->entries[i], monitor))
            continue;
        paused++;
        *held_r += domm_pause_guard_is_held(inventory->entries[i].domain.domid);
    }
    return paused;
}

/* A pause may end between the look at the domain and the one at its hold: an administrator's pause
 * is one that is seen twice without a hold. */
int domm_inventory_read_unscanned(struct domm_xen *xen, struct domm_log *log,
                                  const struct domm_uuid *monitor,
                                  struct domm_inventory *inventory_r, struct domm_error *err)
{
    size_t held;
    for (int i = 0, others = 0;; i++) {
        int rc = domm_inventory_read(xen, log, inventory_r, err);
        if (rc || !count_paused(inventory_r, monitor, &held))
            return rc;
        others = held ? 0 : others + 1;
        if (others == 2 || i == SCAN_LOOKS)
            return 0;
        domm_inventory_free(inventory_r);
        domm_sleep_ms(SCAN_LOOK_MS);
    }
}

void domm_inventory_free(struct domm_inventory *inventory)
{
    for (size_t i = 0; i < inventory->count; i++)
        free(inventory->entries[i].domain.name);
    free(inventory->entries);
    *inventory = (struct domm_inventory){0};
}

const struct domm_inventory_entry *
domm_inventory_monitor_of(const struct domm_inventory *inventory,
                          const struct domm_inventory_entry *entry,
                          const struct domm_inventory_entry *after)
{
    const struct domm_inventory_entry *end = inventory->entries + inventory->count;
    for (const struct domm_inventory_entry *m = after ? after + 1 : inventory->entries; m < end;
         m++) {
        if (m->record_state == DOMM_RECORD_VALID &&
            domm_record_find(&m->record, &entry->domain.uuid))
            return m;
    }
    return NULL;
}

enum domm_role domm_inventory_role(const struct domm_inventory *inventory,
                                   const struct domm_inventory_entry *entry)
{
    if (entry->record_state == DOMM_RECORD_VALID)
        return DOMM_ROLE_MONITOR;
    if (entry->record_state == DOMM_RECORD_INVALID)
        return DOMM_ROLE_INVALID;
    return domm_inventory_monitor_of(inventory, entry, NULL) ? DOMM_ROLE_TARGET : DOMM_ROLE_NONE;
}

const char *domm_role_name(enum domm_role role)
{
    static const char *const names[] = {
        [DOMM_ROLE_NONE] = "none",
        [DOMM_ROLE_TARGET] = "target",
        [DOMM_ROLE_MONITOR] = "monitor",
        [DOMM_ROLE_INVALID] = "invalid",
    };
    return names[role];
}

const struct domm_inventory_entry *domm_inventory_by_uuid(const struct domm_inventory *inventory,
                                                          const struct domm_uuid *uuid)
{
    for (size_t i = inventory->count; i > 0; i--) {
        if (domm_uuid_equal(&inventory->entries[i - 1].domain.uuid, uuid))
            return &inventory->entries[i - 1];
    }
    return NULL;
}

static bool all_digits(const char *text)
{
    return *text && strspn(text, "0123456789") == strlen(text);
}

static const struct domm_inventory_entry *find_by_domid(const struct domm_inventory *inventory,
                                                        const char *digits)
{
    unsigned long domid = strtoul(digits, NULL, 10); /* too large: ULONG_MAX, which is no domid */
    for (size_t i = 0; i < inventory->count; i++) {
        if (inventory->entries[i].domain.domid == domid)
            return &inventory->entries[i];
    }
    return NULL;
}

static const struct domm_inventory_entry *find_by_name(const struct domm_inventory *inventory,
                                                       const char *name)
{
    for (size_t i = 0; *name && i < inventory->count; i++) {
        if (strcmp(inventory->entries[i].domain.name, name) == 0)
            return &inventory->entries[i];
    }
    return NULL;
}

int domm_inventory_find(const struct domm_inventory *inventory, const char *text,
                        const struct domm_inventory_entry **entry_r, struct domm_error *err)
{
    struct domm_uuid uuid;
    const char *kind = "name";
    if (all_digits(text)) {
        kind = "domid";
        *entry_r = find_by_domid(inventory, text);
    } else if (domm_uuid_parse(text, &uuid)) {
        kind = "UUID";
        *entry_r = domm_inventory_by_uuid(inventory, &uuid);
    } else {
        *entry_r = find_by_name(inventory, text);
    }
    if (*entry_r)
        return 0;
    domm_fail(err, DOMM_NOT_FOUND, "no domain has the %s '%s'", kind, text);
    return domm_hint(err, "domm list shows the domains of this host");
}

int domm_inventory_refuse_unreadable(const struct domm_inventory_entry *monitor,
                                     struct domm_error *err)
{
    domm_fail(err, DOMM_REFUSED, "the record of %s cannot be read", monitor->domain.name);
    return domm_hint(
        err, "domm list shows the reason; domm destroy destroys the monitor, and its targets "
             "keep running");
}

int domm_inventory_find_pair(const struct domm_inventory *inventory, const char *text,
                             const struct domm_inventory_entry **monitor_r, struct domm_error *err)
{
    const struct domm_inventory_entry *entry, *its;
    int rc = domm_inventory_find(inventory, text, &entry, err);
    if (rc)
        return rc;
    its = domm_inventory_monitor_of(inventory, entry, NULL);
    *monitor_r = its && entry->record_state == DOMM_RECORD_ABSENT ? its : entry;
    if ((*monitor_r)->record_state == DOMM_RECORD_VALID)
        return 0;
    if ((*monitor_r)->record_state == DOMM_RECORD_INVALID)
        return domm_inventory_refuse_unreadable(*monitor_r, err);
    domm_fail(err, DOMM_REFUSED, "%s is neither a monitor nor the target of one",
              entry->domain.name);
    return domm_hint(err, "use xl migrate for other guests; domm list shows the pairs");
}
