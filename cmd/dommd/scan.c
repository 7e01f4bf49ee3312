/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <inttypes.h>
#include <stdio.h>

#include "cmd/dommd/service.h"
#include "lib/mapping/scan.h"

static int scan_one(struct service *service, const struct domm_domain *domain,
                    struct domm_error *err)
{
    struct domm_scan scan;
    size_t writable = 0;
    uint64_t paused_ns;
    if (domain->type != DOMM_TYPE_PV || domain->domid == 0)
        return domm_fail(err, DOMM_REFUSED, "domain %s (%u) is not a PV guest", domain->name,
                         domain->domid);
    int rc = domm_scan_briefly(service->memory, domain->domid, &scan, &paused_ns, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < scan.count; i++)
        writable += (scan.foreign[i].flags & DOMM_PTE_WRITABLE) != 0;
    printf("%s %u: %zu foreign frames mapped, %zu writable; %zu page tables; %zu pages hidden\n",
           domain->name, domain->domid, scan.count, writable, scan.tables, scan.hidden);
    domm_scan_free(&scan);
    return 0;
}

static int scan_named(struct service *service, const struct domm_inventory *inventory,
                      const char *name, struct domm_error *err)
{
    const struct domm_member *member;
    int rc = domm_inventory_find(inventory, name, &member, err);
    return rc ? rc : scan_one(service, &member->domain, err);
}

static int scan_all(struct service *service, const struct domm_inventory *inventory,
                    struct domm_error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < inventory->count; i++) {
        if (inventory->members[i].record_state != DOMM_RECORD_ABSENT)
            rc = scan_one(service, &inventory->members[i].domain, err);
    }
    return rc;
}

int service_scan(struct service *service, const char *domain, struct domm_error *err)
{
    struct domm_inventory inventory;
    uint64_t kib;
    int rc = domm_inventory_read(service->xen, &service->log, &inventory, err);
    if (rc)
        return rc;
    rc = domain ? scan_named(service, &inventory, domain, err) : scan_all(service, &inventory, err);
    domm_inventory_free(&inventory);
    if (!rc)
        rc = domm_memory_free_kib(service->memory, &kib, err);
    if (!rc)
        printf("free memory of the host: %" PRIu64 " KiB\n", kib);
    if (!rc && fflush(stdout) != 0)
        return domm_fail(err, DOMM_FAILED, "writing to standard output");
    return rc;
}
