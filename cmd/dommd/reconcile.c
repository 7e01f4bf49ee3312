/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/dommd/reconcile.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/dommd/expect.h"
#include "cmd/dommd/lifecycle.h"
#include "cmd/dommd/monitor.h"
#include "cmd/dommd/revoke.h"
#include "cmd/dommd/saved.h"
#include "cmd/dommd/turn.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/pair/mirrors.h"
#include "lib/pair/xenstore_nodes.h"

/* Enough to map 1 GiB at once. */
#define TOKENS_BURST 12000

/* How long destroying a domain may take before it is taken for one that stays. */
#define LEAVING_MS 30000

static struct monitor *reconcile_find(struct service *service, const struct domm_domain *domain)
{
    for (struct monitor *w = service->monitors; w; w = w->next) {
        if (w->domid == domain->domid && domm_uuid_equal(&w->uuid, &domain->uuid))
            return w;
    }
    return NULL;
}

/* The monitor writes in nodes of its own only: what dom0 says in others, as that a target has been
 * parted from it, it cannot take away. It learns of all by the one that all are in, which comes
 * last. */
static const char *const own[] = {DOMM_NODE_KICK, DOMM_CHANNELS_NODE, DOMM_NODE_AGENT};

#define N_OWN (sizeof(own) / sizeof(*own))

static int make_nodes(struct service *service, const struct monitor *monitor,
                      struct domm_error *err)
{
    char path[PATH_BYTES];
    int rc;
    for (size_t i = 0; i < N_OWN; i++) {
        monitor_path(monitor, own[i], path);
        rc = domm_store_give(service->store, path, monitor->domid, err);
        if (rc)
            return rc;
    }
    monitor_path(monitor, DOMM_NODE_TOLD, path);
    rc = domm_store_show(service->store, path, monitor->domid, err);
    if (rc)
        return rc;
    monitor_path(monitor, "domm", path);
    return domm_store_show(service->store, path, monitor->domid, err);
}

static bool has_node(struct service *service, const struct monitor *monitor, const char *below)
{
    char path[PATH_BYTES];
    struct domm_error err;
    cleanup_free char *value = NULL;
    monitor_path(monitor, below, path);
    return domm_store_read(service->store, path, &value, &err) == 0;
}

/* What is the monitor's it can take away, and cannot make again. If all has gone, the domain has.
 */
static void mend_nodes(struct service *service, const struct monitor *monitor)
{
    struct domm_error err;
    bool whole = true;
    if (!has_node(service, monitor, "domm"))
        return;
    for (size_t i = 0; i < N_OWN; i++)
        whole &= has_node(service, monitor, own[i]);
    if (!whole && make_nodes(service, monitor, &err))
        domm_log(&service->log, DOMM_LOG_WARN, "%s (%u): updating its xenstore nodes: %s",
                 monitor->name, monitor->domid, err.text);
}

static int begin_to_serve(struct service *service, struct monitor *monitor, struct domm_error *err)
{
    if (!monitor->name)
        return domm_no_memory(err);
    int rc = monitor_timers_add(monitor, err);
    if (rc)
        return rc;
    rc = make_nodes(service, monitor, err);
    for (size_t i = 0; !rc && i < MONITOR_WATCHES; i++) {
        char path[PATH_BYTES];
        monitor_path(monitor, monitor_watches[i], path);
        rc = domm_store_watch(service->store, path, err);
    }
    return rc;
}

/* Mappings that an earlier dommd has made stay until the grace period ends, so that the monitor's
 * processes can claim them again. */
static struct monitor *discover(struct service *service, const struct domm_domain *domain)
{
    struct domm_error err;
    struct monitor *monitor = calloc(1, sizeof(*monitor));
    if (!monitor)
        return NULL;
    *monitor = (struct monitor){
        .service = service,
        .domid = domain->domid,
        .uuid = domain->uuid,
        .name = strndup(domain->name, domm_name_length(domain->name)),
        .bucket = {.rate = MONITOR_TOKENS_PER_SECOND, .burst = TOKENS_BURST},
        .lines = {.bucket = {.rate = 1, .burst = 20}},
        .new_channels = true,
        .next = service->monitors,
    };
    if (begin_to_serve(service, monitor, &err)) {
        domm_log(&service->log, DOMM_LOG_WARN, "%s (%u) cannot be served: %s", domain->name,
                 domain->domid, err.text);
        monitor_close(service, monitor);
        return NULL;
    }
    monitor_defer_reclaim(monitor);
    domm_log(&service->log, DOMM_LOG_INFO, "%s (%u) is a monitor", monitor->name, domain->domid);
    service->monitors = monitor;
    return monitor;
}

/* The domain a target's UUID stands for now; 0 if none may be mapped: it does not run here, it is
 * being destroyed, or it would be dom0 or the monitor itself. */
static const struct domm_domain *running(const struct domm_inventory *inventory,
                                         const struct monitor *monitor,
                                         const struct domm_uuid *uuid)
{
    const struct domm_inventory_entry *entry = domm_inventory_by_uuid(inventory, uuid);
    if (!entry || entry->domain.domid == 0 || entry->domain.domid == monitor->domid ||
        entry->domain.state == DOMM_DOMAIN_DYING)
        return NULL;
    return &entry->domain;
}

/* Pages that the balloon of a target has yet to give back; it is not offered before. One of which
 * Xen does not tell is not offered either. */
static bool lacks_pages(struct monitor *monitor, const struct domm_domain *domain)
{
    struct service *service = monitor->service;
    uint64_t missing = 0;
    struct domm_error err;
    int rc = domm_hv_missing_pages(service->hv, domain->domid, &missing, &err);
    if (rc && rc != -DOMM_NOT_FOUND)
        monitor_log(service, monitor, DOMM_LOG_WARN, "%s", err.text);
    if (missing)
        monitor_log(service, monitor, DOMM_LOG_WARN,
                    "the memory of %s (%u) is populated on demand, and Xen lacks %" PRIu64
                    " pages for it: not offered before its balloon driver has given them back",
                    domain->name, domain->domid, missing);
    return rc || missing;
}

static struct served_target *same_target(struct monitor *monitor, const struct domm_uuid *uuid)
{
    for (size_t i = 0; i < monitor->n_targets; i++) {
        if (domm_uuid_equal(&monitor->targets[i].uuid, uuid))
            return &monitor->targets[i];
    }
    return NULL;
}

static void reconcile_take_over(struct monitor *monitor, const struct domm_record_target *entry,
                                const struct domm_domain *domain, struct served_target *target_r)
{
    struct served_target *old = same_target(monitor, &entry->uuid);
    *target_r = (struct served_target){.uuid = entry->uuid};
    if (!domain || ((!old || old->domid != domain->domid) && lacks_pages(monitor, domain)))
        return;
    target_r->domid = domain->domid;
    target_r->translated = domain->type != DOMM_DOMAIN_PV;
    snprintf(target_r->name, sizeof(target_r->name), "%.*s", (int)domm_name_length(domain->name),
             domain->name);
    if (old && old->domid == domain->domid) {
        target_r->layout = old->layout;
        old->layout = (struct domm_layout){0};
        target_r->followed = old->followed;
        old->followed = NULL;
    }
}

static bool differs(const struct monitor *monitor, const struct served_target *targets,
                    size_t count)
{
    if (monitor->n_targets != count)
        return true;
    for (size_t i = 0; i < count; i++) {
        if (!domm_uuid_equal(&monitor->targets[i].uuid, &targets[i].uuid) ||
            monitor->targets[i].domid != targets[i].domid)
            return true;
    }
    return false;
}

static bool lost_one(const struct monitor *monitor, const struct served_target *targets,
                     size_t count)
{
    for (size_t i = 0; i < monitor->n_targets; i++) {
        bool kept = monitor->targets[i].domid == 0;
        for (size_t j = 0; j < count; j++)
            kept |= targets[j].domid == monitor->targets[i].domid;
        if (!kept)
            return true;
    }
    return false;
}

/* Gives the monitor the targets that its record allows now, and takes back what it allows no
 * longer. */
static void follow(struct service *service, struct monitor *monitor,
                   const struct domm_inventory *inventory, const struct domm_record *record)
{
    struct served_target targets[DOMM_RECORD_MAX_TARGETS];
    bool first = monitor->generation == 0, any = false;
    for (size_t i = 0; i < record->n_targets; i++) {
        const struct domm_record_target *entry = &record->targets[i];
        reconcile_take_over(monitor, entry, running(inventory, monitor, &entry->uuid), &targets[i]);
        any |= targets[i].domid != 0;
    }
    bool lost = lost_one(monitor, targets, record->n_targets);
    bool changed = first || differs(monitor, targets, record->n_targets);
    for (size_t i = 0; i < monitor->n_targets; i++)
        target_release(service, &monitor->targets[i]);
    memcpy(monitor->targets, targets, record->n_targets * sizeof(*targets));
    monitor->n_targets = record->n_targets;
    if (!changed)
        return;
    monitor->generation++;
    for (size_t i = 0; i < MAX_CHANNELS; i++)
        monitor->clients[i].notify_pending = monitor->clients[i].channel != NULL;
    if (lost || (first && !any))
        monitor_sweep(service, monitor, "a target is no longer its", false);
}

/* The toolstack takes away a domain's nodes in xenstore, its name among them, then its userdata,
 * then the domain (devices_destroy_cb, tools/libs/light/libxl_domain.c). In between it is paused
 * for good: what it has mapped ends with it, and nothing is to be written where its nodes were. If
 * it does not end, it is a monitor without a record. */
static bool is_leaving(struct monitor *monitor, const struct domm_domain *domain)
{
    if (domain->name[0])
        monitor->dying_since_ms = 0;
    else if (!monitor->dying_since_ms)
        monitor->dying_since_ms = domm_now_ms();
    return monitor->dying_since_ms && domm_now_ms() - monitor->dying_since_ms < LEAVING_MS;
}

static void follow_all(struct service *service, const struct domm_inventory *inventory)
{
    for (size_t i = 0; i < inventory->count; i++) {
        const struct domm_inventory_entry *entry = &inventory->entries[i];
        const struct domm_domain *domain = &entry->domain;
        struct monitor *monitor = reconcile_find(service, domain);
        if (domain->state == DOMM_DOMAIN_DYING)
            continue;
        if (!monitor && entry->record_state == DOMM_RECORD_VALID &&
            domain->type == DOMM_DOMAIN_PV && domain->domid && domain->name[0])
            monitor = discover(service, domain);
        if (!monitor)
            continue;
        /* A monitor whose record is gone or malformed may map nothing. */
        static const struct domm_record nothing;
        monitor->seen = true;
        monitor_note_suspended(service, monitor, entry);
        if (is_leaving(monitor, domain))
            continue;
        mend_nodes(service, monitor);
        follow(service, monitor, inventory,
               entry->record_state == DOMM_RECORD_VALID ? &entry->record : &nothing);
    }
}

static void drop_unseen(struct service *service)
{
    for (struct monitor **link = &service->monitors; *link;) {
        struct monitor *monitor = *link;
        if (monitor->seen) {
            monitor->seen = false;
            link = &monitor->next;
            continue;
        }
        domm_log(&service->log, DOMM_LOG_INFO, "%s (%u) has ended", monitor->name, monitor->domid);
        *link = monitor->next;
        monitor_close(service, monitor);
    }
}

/* That a target's nodes go says that its mappings are gone: `domm detach` waits for it. */
static void reconcile_pairs(struct service *service, const struct domm_inventory *inventory)
{
    struct domm_error err;
    domm_mirrors_reconcile(service->xen, service->netlink, inventory, &service->log);
    for (struct monitor *w = service->monitors; w; w = w->next) {
        const struct domm_inventory_entry *entry = domm_inventory_by_uuid(inventory, &w->uuid);
        if (entry && entry->domain.domid == w->domid && !w->needs_rescan && !w->dying_since_ms &&
            domm_xenstore_nodes_reconcile(service->store, inventory, entry, &err))
            domm_log(&service->log, DOMM_LOG_WARN, "%s (%u): notifying it of its targets: %s",
                     w->name, w->domid, err.text);
    }
}

int service_reconcile(struct service *service, struct domm_error *err)
{
    struct domm_inventory inventory;
    int rc = domm_inventory_read(service->xen, &service->log, &inventory, err);
    if (rc)
        return rc;
    follow_all(service, &inventory);
    drop_unseen(service);
    reconcile_pairs(service, &inventory);
    service_start_endings(service, &inventory);
    service_return_records(service, &inventory);
    service_note_expected(service, &inventory);
    domm_inventory_free(&inventory);
    return 0;
}
