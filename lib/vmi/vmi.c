/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opens and closes a connection to dommd, and follows its events. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/vmi/vmi_internal.h"

/* Updates targets and memories by dommd's events. */
static int vmi_follow_targets(struct domm_vmi *vmi)
{
    if (!vmi->changed)
        return 0;
    vmi->changed = false;
    int rc = vmi_refresh_targets(vmi);
    for (struct domm_vmi_memory *m = vmi->memories; !rc && m; m = m->next) {
        int position = vmi_find_target(vmi, m->uuid);
        bool attached = position >= 0 && vmi->targets[position].attached;
        if (vmi->remap) /* also for a target that is not attached now: it may be later */
            target_memory_forget_located(m);
        if (!attached && m->attached)
            target_memory_invalidate(m);
        /* Also if the target stayed attached: its domain may be another one, or dommd may have
         * restarted. */
        if (attached)
            rc = target_memory_restore(m);
    }
    if (rc)
        vmi->changed = true;
    else
        vmi->remap = false;
    return rc ? rc : 1;
}

int domm_vmi_poll(struct domm_vmi *vmi, int timeout_ms)
{
    int64_t end = domm_now_ms() + timeout_ms;
    for (;;) {
        int rc = vmi_link_advance(vmi);
        if (rc == 0 && vmi->link == LINK_OPEN)
            rc = vmi_follow_targets(vmi);
        if (rc > 0 || (rc < 0 && rc != -EAGAIN))
            return rc;
        int64_t rest = end - domm_now_ms();
        if (rest <= 0)
            return rc < 0 && vmi->link == LINK_OPEN ? 0 : rc;
        vmi_link_wait(vmi, rest < 200 ? rest : 200);
    }
}

int domm_vmi_fd(const struct domm_vmi *vmi)
{
    return domm_store_fd(vmi->store);
}

int domm_vmi_open(struct domm_vmi **vmi_r)
{
    static unsigned int count;
    struct domm_error err;
    struct domm_vmi *vmi = calloc(1, sizeof(*vmi));
    if (!vmi)
        return -ENOMEM;
    if (domm_store_open(&vmi->store, &err) || domm_store_watch(vmi->store, DOMM_NODE_TOLD, &err)) {
        domm_store_close(vmi->store);
        free(vmi);
        return -ENODEV;
    }
    snprintf(vmi->path, sizeof(vmi->path), DOMM_CHANNELS_NODE "/%d-%u", (int)getpid(), ++count);
    *vmi_r = vmi;
    return 0;
}

void domm_vmi_close(struct domm_vmi *vmi)
{
    if (!vmi)
        return;
    while (vmi->memories)
        domm_vmi_memory_close(vmi->memories);
    vmi_link_close(vmi);
    domm_store_close(vmi->store);
    free(vmi);
}
