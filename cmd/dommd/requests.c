/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/dommd/requests.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd/dommd/followed.h"
#include "cmd/dommd/monitor.h"
#include "cmd/dommd/regions.h"
#include "lib/base/bits.h"
#include "lib/mapping/mapping.h"
#include "lib/mapping/pause_guard.h"

int64_t request_cost(const struct domm_request *request)
{
    switch (request->type) {
    case DOMM_REQUEST_LOCATE:
        return 40 + (int64_t)request->count * 4;
    case DOMM_REQUEST_MAP:
    case DOMM_REQUEST_BEYOND:
    case DOMM_REQUEST_UNMAP:
        return 4 + (int64_t)request->count / 32;
    case DOMM_REQUEST_HELLO:
    case DOMM_REQUEST_TARGET:
        break;
    }
    return 1;
}

static void serve_target(struct service *service, struct monitor *monitor, struct client *client,
                         const struct domm_request *request, struct domm_reply *reply)
{
    client->owed_pages = client->follows;
    if (request->target >= monitor->n_targets) {
        reply->status = DOMM_STATUS_NO_TARGET;
        return;
    }
    struct served_target *target = &monitor->targets[request->target];
    const struct followed *followed = target->domid ? followed_of(service, target) : NULL;
    reply->uuid = target->uuid;
    memcpy(reply->name, target->name, sizeof(reply->name));
    reply->attached = followed && domm_hv_alive(service->hv, target->domid);
    reply->frames = followed ? followed->frames : 0;
}

/* Linux has given a page table that a process had to another: what the first had mapped is gone
 * from it, or should be. */
static void requests_take_over(struct service *service, struct monitor *monitor,
                               const struct domm_region *at)
{
    struct mapped_region *region = region_by_table(monitor, at->l1_mfn);
    struct domm_error err;
    if (!region || memcmp(region->at.nonce, at->nonce, sizeof(at->nonce)) == 0)
        return;
    if (domm_mapping_clear(service->hv, monitor->domid, at, 1, DOMM_REGION_SLOTS, &err))
        monitor_log(service, monitor, DOMM_LOG_WARN, "clearing a region: %s", err.text);
    else
        region_forget(region);
}

static void serve_locate(struct service *service, struct monitor *monitor,
                         const struct client *client, const struct domm_request *request,
                         struct domm_reply *reply)
{
    struct domm_region regions[DOMM_REGIONS_AT_ONCE] = {{.va = request->va}};
    struct domm_error err;
    size_t found;
    memcpy(regions[0].nonce, request->nonce, sizeof(regions[0].nonce));
    if (domm_mapping_locate(service->hv, monitor->domid, regions, request->count, &found, &err)) {
        monitor_log(service, monitor, DOMM_LOG_WARN, "finding a region: %s", err.text);
        reply->status = DOMM_STATUS_FAILED;
        return;
    }
    for (size_t i = 0; i < found && reply->status == DOMM_STATUS_OK; i++) {
        requests_take_over(service, monitor, &regions[i]);
        if (region_add(monitor, client, &regions[i]))
            reply->status = DOMM_STATUS_LIMIT;
        else
            reply->count++;
    }
    if (found < request->count && reply->status == DOMM_STATUS_OK)
        reply->status = DOMM_STATUS_NO_REGION;
}

/* Asked each time: a target that is being made has no frame of the kind first, and many then. */
static int check_populated(struct service *service, const struct served_target *target,
                           struct domm_error *err)
{
    uint64_t missing;
    int rc = domm_hv_missing_pages(service->hv, target->domid, &missing, err);
    if (rc || !missing)
        return rc;
    return domm_fail(err, DOMM_NOT_FOUND,
                     "%" PRIu64 " pages are missing for %s (%u), which is populated on demand: not "
                     "mapped",
                     missing, target->name, target->domid);
}

/* The p2m of a PV target is kept as long as the target runs: the mapping shows later changes. */
static int prepare_target(struct service *service, struct served_target *target,
                          struct domm_error *err)
{
    if (target->translated || target->layout.mfns)
        return 0;
    return domm_pause_guard_layout(service->hv, target->domid, &target->layout, err);
}

static void requests_remember(struct mapped_region *region, const struct served_target *target,
                              const struct domm_request *request, const uint64_t *gfns,
                              const uint64_t *mfns, struct domm_reply *reply)
{
    if (region->domid != target->domid)
        region_forget(region);
    region->domid = target->domid;
    for (uint32_t slot = request->slot; slot < request->slot + request->count; slot++) {
        region->gfns[slot] = gfns[slot];
        region->mfns[slot] = mfns[slot];
        domm_bit_put(region->doubt, slot, false);
        domm_bit_put(region->asked, slot, false);
        domm_bit_put(reply->valid, slot, mfns[slot] != DOMM_NO_FRAME);
        reply->count += mfns[slot] != DOMM_NO_FRAME;
    }
}

/* What the slots of the request shall map. An index beyond the last is nothing, and can be asked
 * for again once there is more. */
static void requests_want(const struct served_target *target, const struct domm_request *request,
                          uint64_t gfns_r[DOMM_PTES])
{
    const struct followed *followed = target->followed;
    for (uint32_t slot = 0; slot < DOMM_PTES; slot++)
        gfns_r[slot] = DOMM_NO_FRAME;
    for (uint32_t i = 0; i < request->count; i++) {
        uint64_t gfn = request->gfn + i;
        if (request->type == DOMM_REQUEST_BEYOND)
            gfn = followed && gfn < followed->n_beyond ? followed->beyond[gfn] : DOMM_NO_FRAME;
        gfns_r[request->slot + i] = gfn;
    }
}

static int write_mappings(struct service *service, struct monitor *monitor,
                          const struct mapped_region *region, struct served_target *target,
                          const uint64_t *gfns, uint64_t mfns_r[DOMM_PTES], struct domm_error *err)
{
    int rc = check_populated(service, target, err);
    if (rc)
        return rc;
    rc = prepare_target(service, target, err);
    if (rc)
        return rc;
    const struct domm_mapping_target mapped = {
        .domid = target->domid, .layout = target->translated ? NULL : &target->layout};
    return domm_mapping_write(service->hv, monitor->domid, &region->at, &mapped, gfns, mfns_r, err);
}

static void map(struct service *service, struct monitor *monitor, struct mapped_region *region,
                struct served_target *target, const struct domm_request *request,
                struct domm_reply *reply)
{
    struct domm_error err;
    uint64_t gfns[DOMM_PTES], mfns[DOMM_PTES];
    requests_want(target, request, gfns);
    int rc = write_mappings(service, monitor, region, target, gfns, mfns, &err);
    if (rc == -DOMM_REFUSED)
        reply->status = DOMM_STATUS_NO_REGION;
    else if (rc == -DOMM_NOT_FOUND)
        reply->status = DOMM_STATUS_NO_TARGET;
    else if (rc)
        reply->status = DOMM_STATUS_FAILED;
    if (rc)
        monitor_log(service, monitor, DOMM_LOG_WARN, "mapping: %s", err.text);
    else
        requests_remember(region, target, request, gfns, mfns, reply);
}

/* A region maps one target only, so that taking back a target's is a question of regions. */
static void serve_map(struct service *service, struct monitor *monitor, const struct client *client,
                      const struct domm_request *request, struct domm_reply *reply)
{
    struct mapped_region *region = region_find(monitor, client, request->va);
    struct served_target *target =
        request->target < monitor->n_targets ? &monitor->targets[request->target] : NULL;
    if (!target || !target->domid)
        reply->status = DOMM_STATUS_NO_TARGET;
    else if (!region || (region->domid && region->domid != target->domid &&
                         monitor_target(monitor, region->domid)))
        reply->status = DOMM_STATUS_NO_REGION;
    else
        map(service, monitor, region, target, request, reply);
}

static void serve_unmap(struct service *service, struct monitor *monitor,
                        const struct client *client, const struct domm_request *request,
                        struct domm_reply *reply)
{
    struct domm_error err;
    struct mapped_region *region = region_find(monitor, client, request->va);
    if (!region || domm_mapping_clear(service->hv, monitor->domid, &region->at, request->slot,
                                      request->count, &err)) {
        reply->status = DOMM_STATUS_NO_REGION;
        return;
    }
    for (uint32_t i = 0; i < request->count; i++)
        region->gfns[request->slot + i] = region->mfns[request->slot + i] = DOMM_NO_FRAME;
    reply->count = request->count;
}

void request_serve(struct service *service, struct monitor *monitor, struct client *client,
                   const struct domm_request *request, struct domm_reply *reply_r)
{
    *reply_r = (struct domm_reply){
        .type = DOMM_REPLY,
        .id = request->id,
        .generation = monitor->generation,
    };
    if ((request->type == DOMM_REQUEST_HELLO) == client->greeted) {
        reply_r->status = DOMM_STATUS_ORDER;
        return;
    }
    switch (request->type) {
    case DOMM_REQUEST_HELLO:
        client->greeted = true;
        client->follows = request->count == DOMM_FOLLOWS;
        reply_r->count = (uint32_t)monitor->n_targets;
        break;
    case DOMM_REQUEST_TARGET:
        serve_target(service, monitor, client, request, reply_r);
        break;
    case DOMM_REQUEST_LOCATE:
        serve_locate(service, monitor, client, request, reply_r);
        break;
    case DOMM_REQUEST_MAP:
    case DOMM_REQUEST_BEYOND:
        serve_map(service, monitor, client, request, reply_r);
        break;
    case DOMM_REQUEST_UNMAP:
        serve_unmap(service, monitor, client, request, reply_r);
        break;
    }
}
