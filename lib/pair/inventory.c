/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/pair/inventory.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/base/rest.h"

/* A scan takes tenths of a second. */
#define SCAN_LOOKS 30
#define SCAN_LOOK_MS 100

/* 0, -DOMM_NOT_FOUND if the domain ended meanwhile, or the reason why its record is not valid. */
static int read_record(struct domm_xen *xen, struct domm_member *member, struct domm_error *err)
{
    cleanup_free char *data = NULL;
    size_t size = 0;
    int rc = domm_xen_userdata(xen, member->domain.domid, DOMM_RECORD_USERDATA, &data, &size, err);
    member->record_state = rc ? DOMM_RECORD_INVALID : DOMM_RECORD_ABSENT;
    if (rc || !data)
        return rc;
    rc = domm_record_parse(data, size, &member->record, err);
    member->record_state = rc ? DOMM_RECORD_INVALID : DOMM_RECORD_VALID;
    return rc;
}

static void warn_invalid(struct domm_log *log, const struct domm_domain *domain,
                         const struct domm_error *reason)
{
    domm_log(log, DOMM_LOG_WARN,
             "the record of domain %s (%u) is not valid, so its targets are not known: %s",
             domain->name, domain->domid, reason->text);
}

/* Takes over each domain of the array that still exists. */
static void fill(struct domm_xen *xen, struct domm_log *log, struct domm_inventory *inventory,
                 struct domm_domain *domains, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct domm_member *member = &inventory->members[inventory->count];
        struct domm_error reason;
        member->domain = domains[i];
        int rc = read_record(xen, member, &reason);
        if (rc == -DOMM_NOT_FOUND) {
            free(domains[i].name);
            continue;
        }
        if (rc)
            warn_invalid(log, &member->domain, &reason);
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
    *inventory_r = (struct domm_inventory){.members = calloc(count, sizeof(struct domm_member))};
    if (!inventory_r->members) {
        domm_domains_free(domains, count);
        return domm_no_memory(err);
    }
    fill(xen, log, inventory_r, domains, count);
    free(domains); /* the names live on in the members */
    return 0;
}

int domm_inventory_read_unscanned(struct domm_xen *xen, struct domm_log *log,
                                  const struct domm_uuid *domm, struct domm_inventory *inventory_r,
                                  struct domm_error *err)
{
    for (int i = 0;; i++) {
        int rc = domm_inventory_read(xen, log, inventory_r, err);
        const struct domm_member *member = rc ? NULL : domm_inventory_by_uuid(inventory_r, domm);
        if (!member || member->domain.state != DOMM_STATE_PAUSED || i == SCAN_LOOKS)
            return rc;
        domm_inventory_free(inventory_r);
        domm_rest_ms(SCAN_LOOK_MS);
    }
}

void domm_inventory_free(struct domm_inventory *inventory)
{
    for (size_t i = 0; i < inventory->count; i++)
        free(inventory->members[i].domain.name);
    free(inventory->members);
    *inventory = (struct domm_inventory){0};
}

const struct domm_member *domm_inventory_watcher(const struct domm_inventory *inventory,
                                                 const struct domm_member *member,
                                                 const struct domm_member *after)
{
    const struct domm_member *end = inventory->members + inventory->count;
    for (const struct domm_member *m = after ? after + 1 : inventory->members; m < end; m++) {
        if (m->record_state == DOMM_RECORD_VALID &&
            domm_record_find(&m->record, &member->domain.uuid))
            return m;
    }
    return NULL;
}

enum domm_role domm_inventory_role(const struct domm_inventory *inventory,
                                   const struct domm_member *member)
{
    if (member->record_state == DOMM_RECORD_VALID)
        return DOMM_ROLE_DOMM;
    if (member->record_state == DOMM_RECORD_INVALID)
        return DOMM_ROLE_INVALID;
    return domm_inventory_watcher(inventory, member, NULL) ? DOMM_ROLE_TARGET : DOMM_ROLE_NONE;
}

const char *domm_role_name(enum domm_role role)
{
    static const char *const names[] = {
        [DOMM_ROLE_NONE] = "none",
        [DOMM_ROLE_TARGET] = "target",
        [DOMM_ROLE_DOMM] = "domM",
        [DOMM_ROLE_INVALID] = "invalid",
    };
    return names[role];
}

const struct domm_member *domm_inventory_by_uuid(const struct domm_inventory *inventory,
                                                 const struct domm_uuid *uuid)
{
    for (size_t i = inventory->count; i > 0; i--) {
        if (domm_uuid_equal(&inventory->members[i - 1].domain.uuid, uuid))
            return &inventory->members[i - 1];
    }
    return NULL;
}

static bool all_digits(const char *text)
{
    return *text && strspn(text, "0123456789") == strlen(text);
}

static const struct domm_member *find_by_domid(const struct domm_inventory *inventory,
                                               const char *digits)
{
    unsigned long domid = strtoul(digits, NULL, 10); /* too large: ULONG_MAX, no domain's */
    for (size_t i = 0; i < inventory->count; i++) {
        if (inventory->members[i].domain.domid == domid)
            return &inventory->members[i];
    }
    return NULL;
}

static const struct domm_member *find_by_name(const struct domm_inventory *inventory,
                                              const char *name)
{
    for (size_t i = 0; *name && i < inventory->count; i++) {
        if (strcmp(inventory->members[i].domain.name, name) == 0)
            return &inventory->members[i];
    }
    return NULL;
}

int domm_inventory_find(const struct domm_inventory *inventory, const char *text,
                        const struct domm_member **member_r, struct domm_error *err)
{
    struct domm_uuid uuid;
    const char *kind = "name";
    if (all_digits(text)) {
        kind = "domid";
        *member_r = find_by_domid(inventory, text);
    } else if (domm_uuid_parse(text, &uuid)) {
        kind = "UUID";
        *member_r = domm_inventory_by_uuid(inventory, &uuid);
    } else {
        *member_r = find_by_name(inventory, text);
    }
    if (*member_r)
        return 0;
    domm_fail(err, DOMM_NOT_FOUND, "no domain has the %s '%s'", kind, text);
    return domm_hint(err, "domm list shows the domains of this host");
}
