/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/dommd/regions.h"

#include <stdlib.h>
#include <string.h>

#include "cmd/dommd/monitor.h"
#include "lib/base/bits.h"

struct mapped_region *region_find(struct monitor *monitor, const struct client *owner, uint64_t va)
{
    for (size_t i = 0; i < monitor->n_regions; i++) {
        struct mapped_region *region = monitor->regions[i];
        if (region->owner == owner && region->at.va == va)
            return region;
    }
    return NULL;
}

struct mapped_region *region_by_table(const struct monitor *monitor, uint64_t l1_mfn)
{
    for (size_t i = 0; i < monitor->n_regions; i++) {
        if (monitor->regions[i]->at.l1_mfn == l1_mfn)
            return monitor->regions[i];
    }
    return NULL;
}

void region_forget(struct mapped_region *region)
{
    region->domid = 0;
    for (size_t slot = 0; slot < DOMM_PTES; slot++)
        region->gfns[slot] = region->mfns[slot] = DOMM_NO_FRAME;
    memset(region->doubt, 0, sizeof(region->doubt));
    memset(region->asked, 0, sizeof(region->asked));
}

static struct mapped_region *regions_make(struct monitor *monitor)
{
    if (!monitor->regions)
        monitor->regions = calloc(MAX_REGIONS, sizeof(struct mapped_region *));
    if (!monitor->regions || monitor->n_regions == MAX_REGIONS)
        return NULL;
    struct mapped_region *region = calloc(1, sizeof(*region));
    if (!region)
        return NULL;
    region_forget(region);
    monitor->regions[monitor->n_regions++] = region;
    return region;
}

/* A table has one region: the process that has just shown its nonce owns it. What the table maps
 * stays known across a new channel of the same process. */
int region_add(struct monitor *monitor, const struct client *owner, const struct domm_region *at)
{
    struct mapped_region *region = region_find(monitor, owner, at->va);
    struct mapped_region *same_table = region_by_table(monitor, at->l1_mfn);
    if (region && region != same_table)
        region->owner = NULL; /* its table is another now, and the old one nobody's */
    region = same_table ? same_table : regions_make(monitor);
    if (!region)
        return -1;
    region->at = *at;
    region->owner = owner;
    return 0;
}

void regions_doubt(struct monitor *monitor)
{
    for (size_t i = 0; i < monitor->n_regions; i++) {
        struct mapped_region *region = monitor->regions[i];
        for (uint32_t slot = 1; slot < DOMM_PTES; slot++)
            domm_bit_put(region->doubt, slot, region->gfns[slot] != DOMM_NO_FRAME);
    }
}

void regions_disown(struct monitor *monitor, const struct client *owner)
{
    for (size_t i = 0; i < monitor->n_regions; i++) {
        if (monitor->regions[i]->owner == owner)
            monitor->regions[i]->owner = NULL;
    }
}

void regions_drop_unowned(struct monitor *monitor)
{
    size_t kept = 0;
    for (size_t i = 0; i < monitor->n_regions; i++) {
        if (monitor->regions[i]->owner)
            monitor->regions[kept++] = monitor->regions[i];
        else
            free(monitor->regions[i]);
    }
    monitor->n_regions = kept;
}

void regions_free(struct monitor *monitor)
{
    for (size_t i = 0; i < monitor->n_regions; i++)
        free(monitor->regions[i]);
    free(monitor->regions);
    monitor->regions = NULL;
    monitor->n_regions = 0;
}
