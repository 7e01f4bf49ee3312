/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "lib/vmi/vmi_internal.h"

static int ask_target(struct domm_vmi *vmi, uint32_t position, struct domm_vmi_target *target_r)
{
    struct domm_request request = {.type = DOMM_REQUEST_TARGET, .target = position};
    struct domm_reply reply;
    int rc = vmi_request(vmi, &request, &reply);
    if (rc)
        return rc;
    *target_r = (struct domm_vmi_target){.frames = reply.frames, .attached = reply.attached};
    memcpy(target_r->uuid, reply.uuid.bytes, sizeof(target_r->uuid));
    memcpy(target_r->name, reply.name, sizeof(target_r->name) - 1);
    return 0;
}

int vmi_refresh_targets(struct domm_vmi *vmi)
{
    vmi->n_targets = 0;
    while (vmi->n_targets < DOMM_VMI_MAX_TARGETS) {
        int rc = ask_target(vmi, (uint32_t)vmi->n_targets, &vmi->targets[vmi->n_targets]);
        if (rc == -ENOENT) /* the end of the list */
            return 0;
        if (rc)
            return rc;
        vmi->n_targets++;
    }
    return 0;
}

int vmi_find_target(const struct domm_vmi *vmi, const unsigned char uuid[16])
{
    for (size_t i = 0; i < vmi->n_targets; i++) {
        if (memcmp(vmi->targets[i].uuid, uuid, sizeof(vmi->targets[i].uuid)) == 0)
            return (int)i;
    }
    return -ENOENT;
}

int domm_vmi_targets(struct domm_vmi *vmi, struct domm_vmi_target *targets_r, size_t room)
{
    if (vmi->link != LINK_OPEN)
        return -EAGAIN;
    size_t count = vmi->n_targets < room ? vmi->n_targets : room;
    memcpy(targets_r, vmi->targets, count * sizeof(*targets_r));
    return (int)vmi->n_targets;
}
