/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What dommd tells of changes in a target's memory. */
#include <string.h>

#include "lib/vmi/vmi_internal.h"

static void take_region(struct domm_vmi_memory *memory, const struct domm_reply *event)
{
    struct vmi_region *region =
        &memory->regions[(event->frames - (uintptr_t)memory->base) / DOMM_REGION_BYTES];
    bool lost = false;
    for (size_t i = 0; i < sizeof(region->valid); i++) {
        unsigned char valid = event->valid[i] & region->asked[i];
        lost |= region->valid[i] & ~valid;
        region->valid[i] = valid;
    }
    memory->generation += lost;
}

void vmi_take_event(struct domm_vmi *vmi, const struct domm_reply *event)
{
    for (struct domm_vmi_memory *m = vmi->memories; m; m = m->next) {
        uint64_t base = (uintptr_t)m->base;
        if (event->type == DOMM_EVENT_REGION && m->attached && event->frames >= base &&
            event->frames - base < m->n_regions * DOMM_REGION_BYTES)
            take_region(m, event);
        if (event->type != DOMM_EVENT_PAGES ||
            memcmp(m->uuid, event->uuid.bytes, sizeof(m->uuid)) != 0)
            continue;
        m->owned = event->count;
        m->beyond = event->frames;
    }
}
