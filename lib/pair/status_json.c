/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/base/json.h"
#include "lib/pair/status.h"

static void add_judgement(struct json_object *object, const struct domm_judgement *judgement)
{
    domm_json_text(object, "verdict", domm_verdict_name(judgement->verdict));
    domm_json_text(object, "reason", judgement->reason);
}

static struct json_object *judgement_json(const struct domm_judgement *judgement)
{
    struct json_object *object = json_object_new_object();
    add_judgement(object, judgement);
    return object;
}

static struct json_object *filter_json(const struct domm_tc_filter *filter)
{
    struct json_object *object = json_object_new_object();
    domm_json_bool(object, "in_place", filter->ours);
    domm_json_number(object, "packets", filter->packets);
    domm_json_number(object, "bytes", filter->bytes);
    domm_json_number(object, "drops", filter->drops);
    return object;
}

static struct json_object *mirror_json(const struct domm_mirror_status *mirror)
{
    struct json_object *object = json_object_new_object();
    domm_json_number(object, "vif", mirror->configured.vif);
    domm_json_number(object, "to", mirror->configured.to);
    domm_selection_json(object, &mirror->configured.selection);
    domm_json_text(object, "target_vif", mirror->ends.target.name);
    domm_json_text(object, "monitor_vif", mirror->ends.monitor.name);
    add_judgement(object, &mirror->judgement);
    if (!mirror->measured)
        return object;
    json_object_object_add(object, "sent", filter_json(&mirror->state.sent));
    json_object_object_add(object, "received", filter_json(&mirror->state.received));
    json_object_object_add(object, "guard", filter_json(&mirror->state.guard));
    domm_json_bool(object, "carrier", mirror->state.monitor.carrier);
    domm_json_number(object, "delivered", mirror->state.monitor.tx_packets);
    domm_json_number(object, "dropped", domm_mirror_dropped(&mirror->state));
    domm_json_number(object, "lost", mirror->lost);
    return object;
}

static struct json_object *store_json(const struct domm_storage_status *store)
{
    struct json_object *object = json_object_new_object();
    domm_json_text(object, "type", domm_storage_kind_name(store->configured->kind));
    domm_json_text(object, "source", store->configured->source);
    domm_json_number(object, "max_age", store->configured->max_age);
    char options[DOMM_NFS_OPTIONS];
    domm_nfs_options_format(&store->configured->nfs, options);
    domm_json_text(object, "options", options);
    domm_json_text(object, "path", store->claim.path);
    json_object_object_add(
        object, "age", store->claim.age_s < 0 ? NULL : json_object_new_int64(store->claim.age_s));
    add_judgement(object, &store->judgement);
    return object;
}

/* The pages are null if dommd does not count them. */
static struct json_object *memory_json(const struct domm_pair_status *pair)
{
    struct json_object *object = judgement_json(&pair->memory);
    struct json_object *pages = pair->followed ? json_object_new_object() : NULL;
    json_object_object_add(object, "pages", pages);
    if (!pages)
        return object;
    domm_json_number(pages, "owned", pair->pages.owned);
    domm_json_number(pages, "seen", pair->pages.seen);
    domm_json_number(pages, "hidden", pair->pages.hidden);
    domm_json_number(pages, "gone", pair->pages.gone);
    domm_json_number(pages, "came", pair->pages.came);
    domm_json_number(pages, "replaced", pair->pages.replaced);
    return object;
}

static struct json_object *pair_json(const struct domm_pair_status *pair)
{
    struct json_object *object = json_object_new_object();
    struct json_object *mirrors = json_object_new_array(), *stores = json_object_new_array();
    struct json_object *network = judgement_json(&pair->network);
    struct json_object *storage = judgement_json(&pair->storage);
    char uuid[DOMM_UUID_TEXT];
    domm_uuid_format(&pair->target->uuid, uuid);
    domm_json_text(object, "uuid", uuid);
    json_object_object_add(object, "name", pair->name ? json_object_new_string(pair->name) : NULL);
    json_object_object_add(object, "domid",
                           pair->entry ? json_object_new_uint64(pair->entry->domain.domid) : NULL);
    add_judgement(object, &pair->all);
    for (size_t i = 0; i < pair->target->n_mirrors; i++)
        json_object_array_add(mirrors, mirror_json(&pair->mirrors[i]));
    for (size_t i = 0; i < pair->target->n_storage; i++)
        json_object_array_add(stores, store_json(&pair->stores[i]));
    json_object_object_add(network, "mirrors", mirrors);
    json_object_object_add(storage, "mounts", stores);
    json_object_object_add(object, "memory", memory_json(pair));
    json_object_object_add(object, "network", network);
    json_object_object_add(object, "storage", storage);
    return object;
}

struct json_object *domm_status_json(const struct domm_status *status)
{
    struct json_object *object = json_object_new_object();
    struct json_object *pairs = json_object_new_array();
    const struct domm_domain *domain = &status->monitor->domain;
    char uuid[DOMM_UUID_TEXT];
    domm_uuid_format(&domain->uuid, uuid);
    domm_json_text(object, "name", domain->name);
    bool here = domain->domid != DOMM_NO_DOMID;
    json_object_object_add(object, "domid", here ? json_object_new_uint64(domain->domid) : NULL);
    domm_json_text(object, "uuid", uuid);
    json_object_object_add(object, "state",
                           here ? json_object_new_string(domm_domain_state_name(domain->state))
                                : NULL);
    domm_json_text(object, "presence", domm_absence_name(status->absence));
    domm_json_text(object, "verdict", domm_verdict_name(status->worst));
    domm_json_bool(object, "dommd", status->service);
    domm_json_bool(object, "agent", status->answered);
    json_object_object_add(object, "agent_silent",
                           status->silent_ms < 0 ? NULL
                                                 : json_object_new_int64(status->silent_ms / 1000));
    domm_json_bool(object, "scanned", status->scanned);
    domm_json_text(object, "scan_error", status->scan_error);
    domm_json_number(object, "frames", status->frames);
    domm_json_number(object, "writable", status->writable);
    domm_json_number(object, "hidden", status->hidden);
    domm_json_number(object, "paused_ns", status->paused_ns);
    for (size_t i = 0; i < status->n_pairs; i++)
        json_object_array_add(pairs, pair_json(&status->pairs[i]));
    json_object_object_add(object, "targets", pairs);
    return object;
}
