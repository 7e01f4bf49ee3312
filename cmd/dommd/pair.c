/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a record asks for besides memory, and what others do to a domM. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd/dommd/watcher.h"
#include "lib/base/cleanup.h"
#include "lib/pair/mirrors.h"
#include "lib/pair/nodes.h"

/* How long a domM that is being suspended is not served: its kernel needs less from the request to
 * the hypercall, and dommd looks at it meanwhile (REFRESH_MS), and sees that it is suspended. */
#define CLOSED_MS 12000

/* Signs of life are noted at most so often. */
#define HEAR_MS 1000

/* That a target's nodes go says that its mappings are gone: `domm detach` waits for it. */
void service_follow(struct service *service, const struct domm_inventory *inventory)
{
    struct domm_error err;
    domm_mirrors_reconcile(service->xen, service->netlink, inventory, &service->log);
    for (struct watcher *w = service->watchers; w; w = w->next) {
        const struct domm_member *member = domm_inventory_by_uuid(inventory, &w->uuid);
        if (member && member->domain.domid == w->domid && !w->unproven && !w->leaves_ms &&
            domm_nodes_reconcile(service->store, inventory, member, &err))
            domm_log(&service->log, DOMM_LOG_WARN, "%s (%u): telling it its targets: %s", w->name,
                     w->domid, err.text);
    }
}

void watcher_hear(struct service *service, struct watcher *watcher)
{
    char path[PATH_BYTES], heard[24];
    struct domm_error err;
    watcher_path(watcher, DOMM_NODE_HEARD, path);
    snprintf(heard, sizeof(heard), "%" PRId64, watcher->heard_ms);
    watcher->heard_ms = 0;
    watcher->hear_ms = now_ms() + HEAR_MS;
    int rc = domm_store_rewrite(service->store, path, heard, &err);
    if (rc && rc != -DOMM_NOT_FOUND) /* as in the home of one that has ended */
        domm_log(&service->log, DOMM_LOG_WARN, "%s (%u): %s", watcher->name, watcher->domid,
                 err.text);
}

/* The guest's kernel acknowledges a request, of any kind, by emptying the node, maybe before dommd
 * looks. */
static bool may_be_asked_to_suspend(struct service *service, const struct watcher *watcher)
{
    char path[PATH_BYTES];
    struct domm_error err;
    cleanup_free char *asked = NULL;
    watcher_path(watcher, CONTROL_NODE, path);
    return domm_store_read(service->store, path, &asked, &err) == 0 &&
           (strcmp(asked, "suspend") == 0 || !*asked);
}

/* A foreign frame in a saved page table would become any frame of the restored domM, or none:
 * libxenguest cannot tell (normalise_page, xg_sr_save_x86_pv.c). What is in the rings unread is
 * not to be served after the suspend, so they end. */
void watcher_mind_suspend(struct service *service, struct watcher *watcher)
{
    int64_t now = now_ms();
    watcher->mind = false;
    if (!may_be_asked_to_suspend(service, watcher))
        return;
    bool closed = watcher->closed_ms > now;
    watcher->closed_ms = now + CLOSED_MS;
    if (closed)
        return;
    watcher_sweep(service, watcher, "somebody else suspends it", true);
    for (size_t i = 0; i < MAX_CHANNELS; i++) {
        if (watcher->sessions[i].channel)
            session_close(service, watcher, &watcher->sessions[i]);
    }
}
