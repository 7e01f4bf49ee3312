/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>

#include "cmd/dommd/watcher.h"

struct region *region_find(struct watcher *watcher, const struct session *owner, uint64_t va)
{
    for (size_t i = 0; i < watcher->n_regions; i++) {
        struct region *region = watcher->regions[i];
        if (region->owner == owner && region->at.va == va)
            return region;
    }
    return NULL;
}

struct region *region_by_table(const struct watcher *watcher, uint64_t l1_mfn)
{
    for (size_t i = 0; i < watcher->n_regions; i++) {
        if (watcher->regions[i]->at.l1_mfn == l1_mfn)
            return watcher->regions[i];
    }
    return NULL;
}

void region_forget(struct region *region)
{
    region->domid = 0;
    for (size_t slot = 0; slot < DOMM_PTES; slot++)
        region->mfns[slot] = DOMM_NO_FRAME;
}

static struct region *make(struct watcher *watcher)
{
    if (!watcher->regions)
        watcher->regions = calloc(MAX_REGIONS, sizeof(struct region *));
    if (!watcher->regions || watcher->n_regions == MAX_REGIONS)
        return NULL;
    struct region *region = calloc(1, sizeof(*region));
    if (!region)
        return NULL;
    region_forget(region);
    watcher->regions[watcher->n_regions++] = region;
    return region;
}

/* A table has one region: the process that has just shown its nonce owns it. What the table maps
 * stays known across a new channel of the same process. */
int region_add(struct watcher *watcher, const struct session *owner, const struct domm_region *at)
{
    struct region *region = region_find(watcher, owner, at->va);
    struct region *same_table = region_by_table(watcher, at->l1_mfn);
    if (region && region != same_table)
        region->owner = NULL; /* its table is another now, and the old one nobody's */
    region = same_table ? same_table : make(watcher);
    if (!region)
        return -1;
    region->at = *at;
    region->owner = owner;
    return 0;
}

void regions_disown(struct watcher *watcher, const struct session *owner)
{
    for (size_t i = 0; i < watcher->n_regions; i++) {
        if (watcher->regions[i]->owner == owner)
            watcher->regions[i]->owner = NULL;
    }
}

void regions_drop_unowned(struct watcher *watcher)
{
    size_t kept = 0;
    for (size_t i = 0; i < watcher->n_regions; i++) {
        if (watcher->regions[i]->owner)
            watcher->regions[kept++] = watcher->regions[i];
        else
            free(watcher->regions[i]);
    }
    watcher->n_regions = kept;
}

void regions_free(struct watcher *watcher)
{
    for (size_t i = 0; i < watcher->n_regions; i++)
        free(watcher->regions[i]);
    free(watcher->regions);
    watcher->regions = NULL;
    watcher->n_regions = 0;
}
