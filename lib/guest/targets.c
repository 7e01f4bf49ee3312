/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <string.h>

#include "lib/guest/internal.h"

static int ask_target(struct domm_guest *guest, uint32_t place, struct domm_guest_target *target_r)
{
    struct domm_request request = {.type = DOMM_REQUEST_TARGET, .target = place};
    struct domm_reply reply;
    int rc = guest_ask(guest, &request, &reply);
    if (rc)
        return rc;
    *target_r = (struct domm_guest_target){.frames = reply.frames, .attached = reply.attached};
    memcpy(target_r->uuid, reply.uuid.bytes, sizeof(target_r->uuid));
    memcpy(target_r->name, reply.name, sizeof(target_r->name) - 1);
    return 0;
}

int guest_refresh_targets(struct domm_guest *guest)
{
    guest->n_targets = 0;
    while (guest->n_targets < DOMM_GUEST_MAX_TARGETS) {
        int rc = ask_target(guest, (uint32_t)guest->n_targets, &guest->targets[guest->n_targets]);
        if (rc == -ENOENT) /* the end of the list */
            return 0;
        if (rc)
            return rc;
        guest->n_targets++;
    }
    return 0;
}

int guest_find_target(const struct domm_guest *guest, const unsigned char uuid[16])
{
    for (size_t i = 0; i < guest->n_targets; i++) {
        if (memcmp(guest->targets[i].uuid, uuid, sizeof(guest->targets[i].uuid)) == 0)
            return (int)i;
    }
    return -ENOENT;
}

int domm_guest_targets(struct domm_guest *guest, struct domm_guest_target *targets_r, size_t room)
{
    if (guest->link != LINK_OPEN)
        return -EAGAIN;
    size_t count = guest->n_targets < room ? guest->n_targets : room;
    memcpy(targets_r, guest->targets, count * sizeof(*targets_r));
    return (int)guest->n_targets;
}
