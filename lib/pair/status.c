/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/pair/status.h"

#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "lib/base/lock.h"
#include "lib/mapping/scan.h"

static int measure_mirror(const struct domm_observer *observer, uint32_t target, uint32_t domm,
                          struct domm_mirror_status *mirror, struct domm_error *err)
{
    int rc = domm_mirror_ends(observer->xen, observer->netlink, target, domm, &mirror->configured,
                              &mirror->ends, err);
    if (rc || !mirror->ends.target_ifindex || !mirror->ends.monitor_ifindex)
        return rc;
    rc = domm_mirror_measure(observer->netlink, mirror->ends.target_ifindex,
                             mirror->ends.monitor_ifindex, &mirror->state, err);
    mirror->measured = rc == 0;
    return rc == -DOMM_NOT_FOUND ? 0 : rc; /* a device that went meanwhile */
}

static int measure_pair(const struct domm_observer *observer, const struct domm_status *status,
                        struct domm_pair_status *pair, struct domm_error *err)
{
    uint32_t domm = status->domm->domain.domid;
    int rc = 0;
    if (status->answered)
        domm_answer_read(observer->store, domm, &pair->target->uuid, &pair->answer);
    for (size_t i = 0; i < pair->target->n_storage; i++) {
        pair->stores[i] = (struct domm_storage_status){
            .configured = &pair->target->storage[i],
            .claim = pair->answer.storage[i],
        };
    }
    for (size_t i = 0; !rc && i < pair->target->n_mirrors; i++) {
        pair->mirrors[i].configured = pair->target->mirrors[i];
        if (pair->member)
            rc = measure_mirror(observer, pair->member->domain.domid, domm, &pair->mirrors[i], err);
    }
    return rc;
}

static int scan(struct domm_memory *memory, uint32_t domid, struct domm_status *status,
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

static int measure_domm(const struct domm_observer *observer,
                        const struct domm_inventory *inventory, const struct domm_member *domm,
                        bool answered, struct domm_status *status, struct domm_error *err)
{
    const struct domm_record *record = &domm->record;
    *status = (struct domm_status){
        .domm = domm,
        .service = domm_service_runs(),
        .answered = answered,
        .silent_ms = answered ? 0 : domm_agent_silent_ms(observer->store, domm->domain.domid),
        .n_pairs = record->n_targets,
        .pairs = calloc(record->n_targets + 1, sizeof(struct domm_pair_status)),
    };
    if (!status->pairs)
        return domm_no_memory(err);
    int rc = 0;
    if (observer->memory && domm->domain.state != DOMM_STATE_DYING)
        rc = scan(observer->memory, domm->domain.domid, status, err);
    for (size_t i = 0; !rc && i < record->n_targets; i++) {
        struct domm_pair_status *pair = &status->pairs[i];
        pair->target = &record->targets[i];
        pair->member = domm_inventory_by_uuid(inventory, &pair->target->uuid);
        rc = measure_pair(observer, status, pair, err);
    }
    if (rc)
        domm_status_free(status);
    else
        domm_status_judge(status);
    return rc;
}

int domm_status_measure(const struct domm_observer *observer,
                        const struct domm_inventory *inventory,
                        const struct domm_member *const *domms, size_t count,
                        struct domm_status *statuses_r, struct domm_error *err)
{
    cleanup_free uint32_t *domids = calloc(count + 1, sizeof(*domids));
    cleanup_free bool *answered = calloc(count + 1, sizeof(*answered));
    if (!domids || !answered)
        return domm_no_memory(err);
    for (size_t i = 0; i < count; i++)
        domids[i] = domms[i]->domain.domid;
    int rc = domm_agents_ask(observer->store, domids, count, DOMM_AGENT_TIMEOUT_MS, answered, err);
    size_t done = 0;
    for (; !rc && done < count; done++) {
        rc = measure_domm(observer, inventory, domms[done], answered[done], &statuses_r[done], err);
        if (rc)
            domm_wrap(err, "%s", domms[done]->domain.name);
    }
    while (rc && done)
        domm_status_free(&statuses_r[--done]);
    return rc;
}

void domm_status_free(struct domm_status *status)
{
    free(status->pairs);
    *status = (struct domm_status){0};
}
