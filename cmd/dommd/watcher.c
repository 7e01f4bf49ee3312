/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/dommd/watcher.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/pair/nodes.h"

/* Enough to map 1 GiB at once. */
#define TOKENS_BURST 12000

/* In the home of each domM. */
static const char *const watched[] = {DOMM_CHANNELS_NODE, DOMM_NODE_KICK, CONTROL_NODE,
                                      DOMM_NODE_ALIVE};

#define N_WATCHED (sizeof(watched) / sizeof(*watched))
/* How long destroying a domain may take before it is taken for one that stays. */
#define LEAVING_MS 30000

void watcher_log(struct service *service, struct watcher *watcher, enum domm_log_level level,
                 const char *fmt, ...)
{
    char text[sizeof(((struct domm_error *)NULL)->text)];
    va_list args;
    domm_bucket_fill(&watcher->lines, now_ms());
    if (!domm_bucket_may(&watcher->lines))
        return;
    domm_bucket_take(&watcher->lines, 1);
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    domm_log(&service->log, level, "%s (%u): %s", watcher->name, watcher->domid, text);
}

struct target *watcher_target(struct watcher *watcher, uint32_t domid)
{
    for (size_t i = 0; domid && i < watcher->n_targets; i++) {
        if (watcher->targets[i].domid == domid)
            return &watcher->targets[i];
    }
    return NULL;
}

static struct watcher *find(struct service *service, const struct domm_domain *domain)
{
    for (struct watcher *w = service->watchers; w; w = w->next) {
        if (w->domid == domain->domid && domm_uuid_equal(&w->uuid, &domain->uuid))
            return w;
    }
    return NULL;
}

/* domM writes in nodes of its own only: what dom0 says in others, as that a target has been parted
 * from it, it cannot take away. It learns of all by the one that all are in, which comes last. */
static const char *const own[] = {DOMM_NODE_KICK, DOMM_CHANNELS_NODE, DOMM_NODE_AGENT};

#define N_OWN (sizeof(own) / sizeof(*own))

static int make_nodes(struct service *service, const struct watcher *watcher,
                      struct domm_error *err)
{
    char path[PATH_BYTES];
    int rc = 0;
    for (size_t i = 0; !rc && i < N_OWN; i++) {
        watcher_path(watcher, own[i], path);
        rc = domm_store_give(service->store, path, watcher->domid, err);
    }
    watcher_path(watcher, DOMM_NODE_TOLD, path);
    rc = rc ? rc : domm_store_show(service->store, path, watcher->domid, err);
    watcher_path(watcher, "domm", path);
    return rc ? rc : domm_store_show(service->store, path, watcher->domid, err);
}

static bool has_node(struct service *service, const struct watcher *watcher, const char *below)
{
    char path[PATH_BYTES];
    struct domm_error err;
    cleanup_free char *value = NULL;
    watcher_path(watcher, below, path);
    return domm_store_read(service->store, path, &value, &err) == 0;
}

/* What is domM's it can take away, and cannot make again. If all has gone, the domain has. */
static void mend_nodes(struct service *service, const struct watcher *watcher)
{
    struct domm_error err;
    bool whole = true;
    if (!has_node(service, watcher, "domm"))
        return;
    for (size_t i = 0; i < N_OWN; i++)
        whole &= has_node(service, watcher, own[i]);
    if (!whole && make_nodes(service, watcher, &err))
        domm_log(&service->log, DOMM_LOG_WARN, "%s (%u): its nodes in xenstore: %s", watcher->name,
                 watcher->domid, err.text);
}

/* What is mapped in it already, by an earlier dommd, stays until the grace is over: its processes
 * claim it anew. */
static struct watcher *discover(struct service *service, const struct domm_domain *domain)
{
    struct domm_error err;
    struct watcher *watcher = calloc(1, sizeof(*watcher));
    if (!watcher)
        return NULL;
    *watcher = (struct watcher){
        .domid = domain->domid,
        .uuid = domain->uuid,
        .name = strndup(domain->name, domm_name_length(domain->name)),
        .bucket = {.rate = WATCHER_TOKENS_PER_SECOND, .burst = TOKENS_BURST},
        .lines = {.rate = 1, .burst = 20},
        .look = true,
        .next = service->watchers,
    };
    watcher_unsettle(service, watcher);
    int rc = watcher->name ? make_nodes(service, watcher, &err) : domm_no_memory(&err);
    for (size_t i = 0; !rc && i < N_WATCHED; i++) {
        char path[PATH_BYTES];
        watcher_path(watcher, watched[i], path);
        rc = domm_store_watch(service->store, path, &err);
    }
    if (rc) {
        domm_log(&service->log, DOMM_LOG_WARN, "%s (%u) cannot be served: %s", domain->name,
                 domain->domid, err.text);
        free(watcher->name);
        free(watcher);
        return NULL;
    }
    domm_log(&service->log, DOMM_LOG_INFO, "%s (%u) is a domM", watcher->name, domain->domid);
    service->watchers = watcher;
    return watcher;
}

void watcher_free(struct service *service, struct watcher *watcher)
{
    char path[PATH_BYTES];
    struct domm_error err;
    for (size_t i = 0; i < N_WATCHED; i++) {
        watcher_path(watcher, watched[i], path);
        domm_store_unwatch(service->store, path, &err);
    }
    for (size_t i = 0; i < MAX_CHANNELS; i++)
        domm_channel_close(watcher->sessions[i].channel);
    for (size_t i = 0; i < watcher->n_targets; i++)
        target_release(service, &watcher->targets[i]);
    regions_free(watcher);
    free(watcher->name);
    free(watcher);
}

/* The domain a target's UUID stands for now; 0 if none may be mapped: it does not run here, it is
 * being destroyed, or it would be dom0 or domM itself. */
static const struct domm_domain *running(const struct domm_inventory *inventory,
                                         const struct watcher *watcher,
                                         const struct domm_uuid *uuid)
{
    const struct domm_member *member = domm_inventory_by_uuid(inventory, uuid);
    if (!member || member->domain.domid == 0 || member->domain.domid == watcher->domid ||
        member->domain.state == DOMM_STATE_DYING)
        return NULL;
    return &member->domain;
}

static struct target *same_target(struct watcher *watcher, const struct domm_uuid *uuid)
{
    for (size_t i = 0; i < watcher->n_targets; i++) {
        if (domm_uuid_equal(&watcher->targets[i].uuid, uuid))
            return &watcher->targets[i];
    }
    return NULL;
}

static void take_over(struct watcher *watcher, const struct domm_record_target *entry,
                      const struct domm_domain *domain, struct target *target_r)
{
    struct target *old = same_target(watcher, &entry->uuid);
    *target_r = (struct target){.uuid = entry->uuid};
    if (!domain)
        return;
    target_r->domid = domain->domid;
    target_r->translated = domain->type != DOMM_TYPE_PV;
    snprintf(target_r->name, sizeof(target_r->name), "%.*s", (int)domm_name_length(domain->name),
             domain->name);
    if (old && old->domid == domain->domid) {
        target_r->layout = old->layout;
        old->layout = (struct domm_layout){0};
    }
}

static bool differs(const struct watcher *watcher, const struct target *targets, size_t count)
{
    if (watcher->n_targets != count)
        return true;
    for (size_t i = 0; i < count; i++) {
        if (!domm_uuid_equal(&watcher->targets[i].uuid, &targets[i].uuid) ||
            watcher->targets[i].domid != targets[i].domid)
            return true;
    }
    return false;
}

static bool lost_one(const struct watcher *watcher, const struct target *targets, size_t count)
{
    for (size_t i = 0; i < watcher->n_targets; i++) {
        bool kept = watcher->targets[i].domid == 0;
        for (size_t j = 0; j < count; j++)
            kept |= targets[j].domid == watcher->targets[i].domid;
        if (!kept)
            return true;
    }
    return false;
}

/* Gives the watcher the targets that its record allows now, and takes back what it allows no
 * longer. */
static void follow(struct service *service, struct watcher *watcher,
                   const struct domm_inventory *inventory, const struct domm_record *record)
{
    struct target targets[DOMM_RECORD_MAX_TARGETS];
    bool first = watcher->generation == 0, any = false;
    for (size_t i = 0; i < record->n_targets; i++) {
        const struct domm_record_target *entry = &record->targets[i];
        take_over(watcher, entry, running(inventory, watcher, &entry->uuid), &targets[i]);
        any |= targets[i].domid != 0;
    }
    bool lost = lost_one(watcher, targets, record->n_targets);
    bool changed = first || differs(watcher, targets, record->n_targets);
    for (size_t i = 0; i < watcher->n_targets; i++)
        target_release(service, &watcher->targets[i]);
    memcpy(watcher->targets, targets, record->n_targets * sizeof(*targets));
    watcher->n_targets = record->n_targets;
    if (!changed)
        return;
    watcher->generation++;
    for (size_t i = 0; i < MAX_CHANNELS; i++)
        watcher->sessions[i].tell = watcher->sessions[i].channel != NULL;
    if (lost || (first && !any))
        watcher_sweep(service, watcher, "a target is no longer its", false);
}

/* The toolstack takes away a domain's nodes in xenstore, its name among them, then its userdata,
 * then the domain (devices_destroy_cb, tools/libs/light/libxl_domain.c). In between it is paused
 * for good: what it has mapped ends with it, and nothing is to be written where its nodes were. If
 * it does not end, it is a domM without a record. */
static bool is_leaving(struct watcher *watcher, const struct domm_domain *domain)
{
    if (domain->name[0])
        watcher->leaves_ms = 0;
    else if (!watcher->leaves_ms)
        watcher->leaves_ms = now_ms();
    return watcher->leaves_ms && now_ms() - watcher->leaves_ms < LEAVING_MS;
}

static void follow_all(struct service *service, const struct domm_inventory *inventory)
{
    for (size_t i = 0; i < inventory->count; i++) {
        const struct domm_member *member = &inventory->members[i];
        const struct domm_domain *domain = &member->domain;
        struct watcher *watcher = find(service, domain);
        if (domain->state == DOMM_STATE_DYING)
            continue;
        if (!watcher && member->record_state == DOMM_RECORD_VALID && domain->type == DOMM_TYPE_PV &&
            domain->domid && domain->name[0])
            watcher = discover(service, domain);
        if (!watcher)
            continue;
        /* A domM whose record has gone or makes no sense may map nothing. */
        static const struct domm_record nothing;
        watcher->seen = true;
        watcher_see_suspended(service, watcher, member);
        if (is_leaving(watcher, domain))
            continue;
        mend_nodes(service, watcher);
        follow(service, watcher, inventory,
               member->record_state == DOMM_RECORD_VALID ? &member->record : &nothing);
    }
}

static void drop_unseen(struct service *service)
{
    for (struct watcher **link = &service->watchers; *link;) {
        struct watcher *watcher = *link;
        if (watcher->seen) {
            watcher->seen = false;
            link = &watcher->next;
            continue;
        }
        domm_log(&service->log, DOMM_LOG_INFO, "%s (%u) has ended", watcher->name, watcher->domid);
        *link = watcher->next;
        watcher_free(service, watcher);
    }
}

int service_refresh(struct service *service, struct domm_error *err)
{
    struct domm_inventory inventory;
    int rc = domm_inventory_read(service->xen, &service->log, &inventory, err);
    if (rc)
        return rc;
    follow_all(service, &inventory);
    drop_unseen(service);
    service_follow(service, &inventory);
    service_end(service, &inventory);
    service_return_records(service, &inventory);
    domm_inventory_free(&inventory);
    return 0;
}
