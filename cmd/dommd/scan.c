/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/dommd/scan.h"

#include <inttypes.h>
#include <stdio.h>

#include "lib/mapping/scan.h"
#include "lib/pair/inventory.h"

static int scan_one(struct service *service, const struct domm_domain *domain,
                    struct domm_error *err)
{
    struct domm_scan scan;
    size_t writable = 0;
    uint64_t paused_ns;
    if (domain->type != DOMM_DOMAIN_PV || domain->domid == 0)
        return domm_fail(err, DOMM_REFUSED, "domain %s (%u) is not a PV guest", domain->name,
                         domain->domid);
    int rc = domm_scan_briefly(service->hv, domain->domid, &scan, &paused_ns, err);
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
    const struct domm_inventory_entry *entry;
    int rc = domm_inventory_find(inventory, name, &entry, err);
    if (rc)
        return rc;
    return scan_one(service, &entry->domain, err);
}

static int scan_all(struct service *service, const struct domm_inventory *inventory,
                    struct domm_error *err)
{
    int rc = 0;
    for (size_t i = 0; !rc && i < inventory->count; i++) {
        if (inventory->entries[i].record_state != DOMM_RECORD_ABSENT)
            rc = scan_one(service, &inventory->entries[i].domain, err);
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
    if (rc)
        return rc;
    rc = domm_hv_free_kib(service->hv, &kib, err);
    if (rc)
        return rc;
    printf("free memory of the host: %" PRIu64 " KiB\n", kib);
    if (fflush(stdout) != 0)
        return domm_fail(err, DOMM_FAILED, "writing to standard output");
    return 0;
}
