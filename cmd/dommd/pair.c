/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a record asks for besides memory, and what others do to a domM. */
#include <string.h>

#include "cmd/dommd/watcher.h"
#include "lib/base/cleanup.h"
#include "lib/pair/mirrors.h"
#include "lib/pair/nodes.h"

/* How long a domM that is being suspended gets nothing mapped: its kernel needs less from the
 * request to the hypercall, and one that was only saved runs on afterwards. */
#define CLOSED_MS 10000

/* That a target's nodes go says that its mappings are gone: `domm detach` waits for it. */
void service_follow(struct service *service, const struct domm_inventory *inventory)
{
    struct domm_error err;
    domm_mirrors_reconcile(service->xen, service->netlink, inventory, &service->log);
    for (struct watcher *w = service->watchers; w; w = w->next) {
        const struct domm_member *member = domm_inventory_by_uuid(inventory, &w->uuid);
        if (member && member->domain.domid == w->domid && !w->unproven &&
            domm_nodes_reconcile(service->store, inventory, member, &err))
            domm_log(&service->log, DOMM_LOG_WARN, "%s (%u): telling it its targets: %s", w->name,
                     w->domid, err.text);
    }
}

/* A foreign frame in a saved page table would become any frame of the restored domM, or none:
 * libxenguest cannot tell (normalise_page, xg_sr_save_x86_pv.c). */
void watcher_mind_suspend(struct service *service, struct watcher *watcher)
{
    char path[PATH_BYTES];
    struct domm_error err;
    cleanup_free char *asked = NULL;
    watcher->mind = false;
    watcher_path(watcher, CONTROL_NODE, path);
    if (domm_store_read(service->store, path, &asked, &err) || strcmp(asked, "suspend") != 0)
        return;
    watcher->closed_ms = now_ms() + CLOSED_MS;
    watcher_sweep(service, watcher, "somebody else suspends it", true);
}
