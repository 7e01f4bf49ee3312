/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <string.h>

#include "cmd/dommd/watcher.h"
#include "lib/mapping/hold.h"

/* What a request costs, in tokens: roughly in proportion to the time it takes dom0 and the time it
 * keeps domM paused. */
#define COST_ANY 1
#define COST_SLOTS(count) (4 + (int64_t)(count) / 32)
#define COST_LOCATE(count) (40 + (int64_t)(count)*4)

static void serve_target(struct service *service, struct watcher *watcher,
                         const struct domm_request *request, struct domm_reply *reply)
{
    struct domm_error err;
    if (request->target >= watcher->n_targets) {
        reply->status = DOMM_STATUS_NO_TARGET;
        return;
    }
    const struct target *target = &watcher->targets[request->target];
    reply->uuid = target->uuid;
    memcpy(reply->name, target->name, sizeof(reply->name));
    reply->attached = target->domid &&
                      domm_memory_frames(service->memory, target->domid, &reply->frames, &err) == 0;
}

/* Linux has given a page table that a process had to another: what the first had mapped is gone
 * from it, or should be. */
static void take_over(struct service *service, struct watcher *watcher,
                      const struct domm_region *at)
{
    struct region *region = region_by_table(watcher, at->l1_mfn);
    struct domm_error err;
    if (!region || memcmp(region->at.nonce, at->nonce, sizeof(at->nonce)) == 0)
        return;
    if (domm_mapping_clear(service->memory, watcher->domid, at, 1, DOMM_REGION_SLOTS, &err))
        watcher_log(service, watcher, DOMM_LOG_WARN, "clearing a region: %s", err.text);
    else
        region_forget(region);
}

static void serve_locate(struct service *service, struct watcher *watcher,
                         const struct session *session, const struct domm_request *request,
                         struct domm_reply *reply)
{
    struct domm_region regions[DOMM_REGIONS_AT_ONCE] = {{.va = request->va}};
    struct domm_error err;
    size_t found;
    memcpy(regions[0].nonce, request->nonce, sizeof(regions[0].nonce));
    if (domm_mapping_locate(service->memory, watcher->domid, regions, request->count, &found,
                            &err)) {
        watcher_log(service, watcher, DOMM_LOG_WARN, "finding a region: %s", err.text);
        reply->status = DOMM_STATUS_FAILED;
        return;
    }
    for (size_t i = 0; i < found && reply->status == DOMM_STATUS_OK; i++) {
        take_over(service, watcher, &regions[i]);
        if (region_add(watcher, session, &regions[i]))
            reply->status = DOMM_STATUS_LIMIT;
        else
            reply->count++;
    }
    if (found < request->count && reply->status == DOMM_STATUS_OK)
        reply->status = DOMM_STATUS_NO_REGION;
}

/* The p2m of a PV target is kept as long as the target runs: the mapping shows later changes. */
static int prepare_target(struct service *service, struct target *target, struct domm_error *err)
{
    if (target->translated || target->layout.mfns)
        return 0;
    return domm_hold_for_layout(service->memory, target->domid, &target->layout, err);
}

static void remember(struct region *region, const struct target *target,
                     const struct domm_request *request, const uint64_t *mfns,
                     struct domm_reply *reply)
{
    for (size_t slot = 0; region->domid != target->domid && slot < DOMM_PTES; slot++)
        region->mfns[slot] = DOMM_NO_FRAME;
    region->domid = target->domid;
    for (uint32_t slot = request->slot; slot < request->slot + request->count; slot++) {
        region->mfns[slot] = mfns[slot];
        if (mfns[slot] == DOMM_NO_FRAME)
            continue;
        reply->valid[slot / 8] |= (unsigned char)(1u << slot % 8);
        reply->count++;
    }
}

static void map(struct service *service, struct watcher *watcher, struct region *region,
                struct target *target, const struct domm_request *request, struct domm_reply *reply)
{
    struct domm_error err;
    uint64_t mfns[DOMM_PTES];
    int rc = prepare_target(service, target, &err);
    if (!rc)
        rc = domm_mapping_write(service->memory, watcher->domid, &region->at,
                                &(struct domm_mapping_target){
                                    .domid = target->domid,
                                    .layout = target->translated ? NULL : &target->layout,
                                },
                                &(struct domm_mapping_range){
                                    .first = request->slot,
                                    .count = request->count,
                                    .gfn = request->gfn,
                                },
                                mfns, &err);
    if (rc == -DOMM_REFUSED)
        reply->status = DOMM_STATUS_NO_REGION;
    else if (rc == -DOMM_NOT_FOUND)
        reply->status = DOMM_STATUS_NO_TARGET;
    else if (rc)
        reply->status = DOMM_STATUS_FAILED;
    if (rc)
        watcher_log(service, watcher, DOMM_LOG_WARN, "mapping: %s", err.text);
    else
        remember(region, target, request, mfns, reply);
}

/* A region maps one target only, so that taking back a target's is a question of regions. */
static void serve_map(struct service *service, struct watcher *watcher,
                      const struct session *session, const struct domm_request *request,
                      struct domm_reply *reply)
{
    struct region *region = region_find(watcher, session, request->va);
    struct target *target =
        request->target < watcher->n_targets ? &watcher->targets[request->target] : NULL;
    if (!target || !target->domid)
        reply->status = DOMM_STATUS_NO_TARGET;
    else if (!region || (region->domid && region->domid != target->domid &&
                         watcher_target(watcher, region->domid)))
        reply->status = DOMM_STATUS_NO_REGION;
    else
        map(service, watcher, region, target, request, reply);
}

static void serve_unmap(struct service *service, struct watcher *watcher,
                        const struct session *session, const struct domm_request *request,
                        struct domm_reply *reply)
{
    struct domm_error err;
    struct region *region = region_find(watcher, session, request->va);
    if (!region || domm_mapping_clear(service->memory, watcher->domid, &region->at, request->slot,
                                      request->count, &err)) {
        reply->status = DOMM_STATUS_NO_REGION;
        return;
    }
    for (uint32_t i = 0; i < request->count; i++)
        region->mfns[request->slot + i] = DOMM_NO_FRAME;
    reply->count = request->count;
}

int64_t request_serve(struct service *service, struct watcher *watcher, struct session *session,
                      const struct domm_request *request, struct domm_reply *reply_r)
{
    *reply_r = (struct domm_reply){
        .type = DOMM_REPLY,
        .id = request->id,
        .generation = watcher->generation,
    };
    if ((request->type == DOMM_REQUEST_HELLO) == session->greeted) {
        reply_r->status = DOMM_STATUS_ORDER;
        return COST_ANY;
    }
    switch (request->type) {
    case DOMM_REQUEST_HELLO:
        session->greeted = true;
        reply_r->count = (uint32_t)watcher->n_targets;
        return COST_ANY;
    case DOMM_REQUEST_TARGET:
        serve_target(service, watcher, request, reply_r);
        return COST_ANY;
    case DOMM_REQUEST_LOCATE:
        serve_locate(service, watcher, session, request, reply_r);
        return COST_LOCATE(request->count);
    case DOMM_REQUEST_MAP:
        serve_map(service, watcher, session, request, reply_r);
        return COST_SLOTS(request->count);
    case DOMM_REQUEST_UNMAP:
        serve_unmap(service, watcher, session, request, reply_r);
        return COST_SLOTS(request->count);
    }
    return COST_ANY;
}
