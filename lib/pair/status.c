/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/pair/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/cleanup.h"
#include "lib/mapping/scan.h"
#include "lib/pair/locks.h"

/* The text of an error, as a part of a verdict. */
static void keep_reason(const struct domm_error *err, char reason_r[DOMM_REASON])
{
    snprintf(reason_r, DOMM_REASON, "%.*s", DOMM_REASON - 1, err->text);
}

struct domm_loss domm_mirror_loss(const struct domm_pair_status *pair,
                                  const struct domm_mirror_status *mirror)
{
    return (struct domm_loss){
        .target = pair->target->uuid,
        .vif = mirror->configured.vif,
        .from = mirror->ends.target_ifindex,
        .to = mirror->ends.monitor_ifindex,
        .not_copied = mirror->state.sent.drops + mirror->state.received.drops,
        .not_delivered = mirror->state.monitor.dropped,
        .in_queue = mirror->state.dropped_in_queue,
    };
}

static int measure_mirror(const struct domm_observer *observer, uint32_t target, uint32_t monitor,
                          struct domm_mirror_status *mirror, struct domm_error *err)
{
    int rc = domm_mirror_ends(observer->xen, observer->netlink, target, monitor,
                              &mirror->configured, &mirror->ends, err);
    if (rc || !mirror->ends.target_ifindex || !mirror->ends.monitor_ifindex)
        return rc;
    rc = domm_mirror_measure(observer->netlink, mirror->ends.target_ifindex,
                             mirror->ends.monitor_ifindex, &mirror->configured.selection,
                             &mirror->state, err);
    mirror->measured = rc == 0;
    return rc == -DOMM_NOT_FOUND ? 0 : rc; /* the device is gone meanwhile */
}

static void measure_mirrors(const struct domm_observer *observer, uint32_t monitor,
                            struct domm_pair_status *pair)
{
    for (size_t i = 0; i < pair->target->n_mirrors; i++) {
        struct domm_mirror_status *mirror = &pair->mirrors[i];
        struct domm_error err;
        mirror->configured = pair->target->mirrors[i];
        if (pair->entry &&
            measure_mirror(observer, pair->entry->domain.domid, monitor, mirror, &err))
            keep_reason(&err, mirror->error);
        if (mirror->measured && observer->losses) {
            struct domm_loss now = domm_mirror_loss(pair, mirror);
            mirror->lost = domm_losses_since(observer->losses, &now);
        }
    }
}

static void measure_pair(const struct domm_observer *observer, const struct domm_status *status,
                         struct domm_pair_status *pair)
{
    uint32_t monitor = status->monitor->domain.domid;
    if (status->answered)
        domm_agent_answer_read(observer->store, monitor, &pair->target->uuid, &pair->answer);
    pair->followed = domm_pages_read(observer->store, monitor, &pair->target->uuid, &pair->pages);
    for (size_t i = 0; i < pair->target->n_storage; i++) {
        pair->stores[i] = (struct domm_storage_status){
            .configured = &pair->target->storage[i],
            .claim = pair->answer.storage[i],
        };
    }
    measure_mirrors(observer, monitor, pair);
}

static int scan_frames(struct domm_hv *memory, uint32_t domid, struct domm_status *status,
                       struct domm_error *err)
{
    struct domm_scan found;
    int rc = domm_scan_briefly(memory, domid, &found, &status->paused_ns, err);
    if (rc)
        return rc;
    status->scanned = true;
    status->frames = found.count;
    status->hidden = found.hidden;
    for (size_t i = 0; i < found.count; i++)
        status->writable += (found.foreign[i].flags & DOMM_PTE_WRITABLE) != 0;
    domm_scan_free(&found);
    return 0;
}

/* What a monitor can bring about by what it writes in its own memory is its verdict alone. */
static void status_scan(struct domm_hv *memory, struct domm_status *status)
{
    const struct domm_domain *domain = &status->monitor->domain;
    struct domm_error err;
    if (memory && domain->state != DOMM_DOMAIN_DYING &&
        scan_frames(memory, domain->domid, status, &err))
        keep_reason(&err, status->scan_error);
}

/* A target that is gone is called what it was called. */
static void find_target(const struct domm_observer *observer,
                        const struct domm_inventory *inventory, struct domm_pair_status *pair)
{
    const struct domm_uuid *uuid = &pair->target->uuid;
    const struct domm_expectation *expectation =
        observer->expected ? domm_expectations_find(observer->expected, uuid) : NULL;
    pair->entry = domm_inventory_by_uuid(inventory, uuid);
    if (pair->entry && *pair->entry->domain.name)
        pair->name = pair->entry->domain.name;
    else if (expectation && *expectation->target_name)
        pair->name = expectation->target_name;
}

static int status_begin(const struct domm_observer *observer,
                        const struct domm_inventory *inventory,
                        const struct domm_inventory_entry *monitor, enum domm_absence absence,
                        struct domm_status *status, struct domm_error *err)
{
    const struct domm_record *record = &monitor->record;
    *status = (struct domm_status){
        .monitor = monitor,
        .absence = absence,
        .service = domm_service_runs(),
        .silent_ms = -1,
        .n_pairs = record->n_targets,
        .pairs = calloc(record->n_targets + 1, sizeof(struct domm_pair_status)),
    };
    if (!status->pairs)
        return domm_no_memory(err);
    for (size_t i = 0; i < record->n_targets; i++) {
        status->pairs[i].target = &record->targets[i];
        find_target(observer, inventory, &status->pairs[i]);
    }
    return 0;
}

static int measure_monitor(const struct domm_observer *observer,
                           const struct domm_inventory *inventory,
                           const struct domm_inventory_entry *monitor, bool answered,
                           const char *ask_error, struct domm_status *status,
                           struct domm_error *err)
{
    int rc = status_begin(observer, inventory, monitor, DOMM_ABSENCE_NONE, status, err);
    if (rc)
        return rc;
    status->answered = answered;
    snprintf(status->ask_error, sizeof(status->ask_error), "%s", ask_error);
    status->silent_ms = answered ? 0 : domm_agent_silent_ms(observer->store, monitor->domain.domid);
    status_scan(observer->memory, status);
    for (size_t i = 0; i < status->n_pairs; i++)
        measure_pair(observer, status, &status->pairs[i]);
    domm_status_judge(status);
    return 0;
}

int domm_status_of_absent(const struct domm_observer *observer,
                          const struct domm_inventory *inventory,
                          const struct domm_roster_entry *absent, struct domm_status *status_r,
                          struct domm_error *err)
{
    int rc = status_begin(observer, inventory, &absent->monitor, absent->absence, status_r, err);
    if (!rc)
        domm_status_judge(status_r);
    return rc;
}

int domm_status_measure(const struct domm_observer *observer,
                        const struct domm_inventory *inventory,
                        const struct domm_inventory_entry *const *monitors, size_t count,
                        struct domm_status *statuses_r, struct domm_error *err)
{
    cleanup_free uint32_t *domids = calloc(count + 1, sizeof(*domids));
    cleanup_free bool *answered = calloc(count + 1, sizeof(*answered));
    char ask_error[DOMM_REASON] = "";
    if (!domids || !answered)
        return domm_no_memory(err);
    for (size_t i = 0; i < count; i++)
        domids[i] = monitors[i]->domain.domid;
    if (observer->answered)
        memset(answered, true, count * sizeof(*answered));
    else if (domm_agents_ask(observer->store, domids, count, observer->asked,
                             DOMM_AGENT_TIMEOUT_MS, answered, err))
        keep_reason(err, ask_error);
    int rc = 0;
    size_t done = 0;
    for (; !rc && done < count; done++)
        rc = measure_monitor(observer, inventory, monitors[done], answered[done], ask_error,
                             &statuses_r[done], err);
    while (rc && done)
        domm_status_free(&statuses_r[--done]);
    return rc;
}

void domm_status_free(struct domm_status *status)
{
    free(status->pairs);
    *status = (struct domm_status){0};
}
