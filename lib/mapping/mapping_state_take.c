/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "lib/mapping/mapping_state.h"
#include "lib/mapping/pause_guard.h"

#define NOBODY UINT16_MAX

struct taker {
    struct domm_hv *hv;
    const struct domm_mapping_pair *pair;
    const struct domm_foreign *foreign;
    size_t count;
    uint16_t *owners; /* owner of each entry */
    bool *late;
    /* The entries of one pass, and the frames to look up for them. */
    size_t n;
    size_t *indices;
    uint64_t *frames;
    enum domm_page_kind *kinds;
    struct domm_pte_update *updates;
};

/* Its target has released the frame: the entry is not carried. */
static bool is_given_back(const struct domm_foreign *foreign)
{
    return foreign->gfn == DOMM_NO_FRAME;
}

/* Entries without an owner yet. */
static void choose(struct taker *taker, bool by_mfn)
{
    taker->n = 0;
    for (size_t i = 0; i < taker->count; i++) {
        if (taker->owners[i] != NOBODY || is_given_back(&taker->foreign[i]))
            continue;
        taker->frames[taker->n] = by_mfn ? taker->foreign[i].mfn : taker->foreign[i].gfn;
        taker->indices[taker->n++] = i;
    }
}

static int ask_pv(struct taker *taker, uint16_t target, struct domm_error *err)
{
    choose(taker, true);
    int rc = domm_hv_kinds(taker->hv, taker->pair->targets[target].domid, taker->frames, taker->n,
                           taker->kinds, err);
    for (size_t i = 0; !rc && i < taker->n; i++) {
        if (taker->kinds[i] != DOMM_PAGE_ABSENT)
            taker->owners[taker->indices[i]] = target;
    }
    return rc;
}

/* Whether the entry still maps the frame that the scan saw. */
static int state_take_compare(struct taker *taker, uint16_t target, bool late,
                              struct domm_error *err)
{
    uint64_t *table = NULL, mapped = DOMM_NO_FRAME;
    int error = 0, rc = 0;
    for (size_t i = 0; !rc && i < taker->n; i++) {
        const struct domm_foreign *foreign = &taker->foreign[taker->indices[i]];
        if (foreign->l1_mfn != mapped) {
            domm_hv_unmap(taker->hv, table, 1);
            mapped = foreign->l1_mfn;
            table = domm_hv_map(taker->hv, taker->pair->monitor, &mapped, 1, &error);
        }
        if (!table || error)
            rc = domm_fail(err, DOMM_FAILED, "a page table of domain %u cannot be read",
                           taker->pair->monitor);
        else if (!taker->updates[i].error && domm_pte_frame(table[foreign->slot]) == foreign->mfn) {
            taker->owners[taker->indices[i]] = target;
            taker->late[taker->indices[i]] = late;
        }
    }
    domm_hv_unmap(taker->hv, table, 1);
    return rc;
}

/* Keeps those of the chosen frames that are ordinary ones of the target, or those that are not. */
static int sift(struct taker *taker, uint16_t target, bool late, struct domm_error *err)
{
    choose(taker, false);
    int rc = domm_hv_kinds(taker->hv, taker->pair->targets[target].domid, taker->frames, taker->n,
                           taker->kinds, err);
    size_t kept = 0;
    for (size_t i = 0; !rc && i < taker->n; i++) {
        if ((taker->kinds[i] == DOMM_PAGE_ABSENT) == late)
            taker->indices[kept++] = taker->indices[i];
    }
    taker->n = kept;
    return rc;
}

static int ask_translated(struct taker *taker, uint16_t target, bool late, struct domm_error *err)
{
    size_t done;
    int rc = sift(taker, target, late, err);
    if (rc)
        return rc;
    for (size_t i = 0; i < taker->n; i++) {
        const struct domm_foreign *foreign = &taker->foreign[taker->indices[i]];
        taker->updates[i] = (struct domm_pte_update){
            .table_mfn = foreign->l1_mfn,
            .slot = foreign->slot,
            .value = foreign->gfn << 12 | foreign->flags,
        };
    }
    rc = domm_hv_update(taker->hv, taker->pair->monitor, taker->pair->targets[target].domid,
                        taker->updates, taker->n, &done, err);
    if (rc)
        return rc;
    return state_take_compare(taker, target, late, err);
}

/* Xen's own frames in a target come last: that a frame is no ordinary one of the target may also
 * mean that it is somebody else's. */
static int find_owners(struct taker *taker, struct domm_error *err)
{
    int rc = 0;
    for (uint16_t i = 0; !rc && i < taker->pair->n_targets; i++)
        rc = taker->pair->targets[i].layout ? ask_pv(taker, i, err)
                                            : ask_translated(taker, i, false, err);
    for (uint16_t i = 0; !rc && i < taker->pair->n_targets; i++) {
        if (!taker->pair->targets[i].layout)
            rc = ask_translated(taker, i, true, err);
    }
    return rc;
}

static int state_take_check(const struct domm_mapping_pair *pair,
                            const struct domm_foreign *foreign, const char *what,
                            struct domm_error *err)
{
    return domm_fail(err, DOMM_REFUSED,
                     "domain %u maps %s: table 0x%" PRIx64 ", slot %u, machine frame 0x%" PRIx64
                     " (frame 0x%" PRIx64 " of its owner), flags 0x%" PRIx64,
                     pair->monitor, what, foreign->l1_pfn, foreign->slot, foreign->mfn,
                     foreign->gfn, foreign->flags);
}

static int check_writable(const struct taker *taker, struct domm_error *err)
{
    for (size_t i = 0; i < taker->count; i++) {
        if (taker->foreign[i].flags & DOMM_PTE_WRITABLE)
            return state_take_check(taker->pair, &taker->foreign[i],
                                    "a frame of another domain for writing", err);
    }
    return 0;
}

/* What lies beyond a view need not be there at the destination: the toolstack's pages in the hole
 * below 4 GiB, which it makes anew, and frames of which a PV target's tables do not agree. */
static bool may_be_missing(const struct taker *taker, size_t i)
{
    const struct domm_foreign *foreign = &taker->foreign[i];
    const struct domm_mapping_target *target = &taker->pair->targets[taker->owners[i]];
    if (!target->layout)
        return domm_frame_in_hole(foreign->gfn);
    return domm_mapping_frame(target, foreign->gfn) != foreign->mfn;
}

static int record(const struct taker *taker, struct domm_mapping_state *state,
                  struct domm_error *err)
{
    int rc = 0;
    state->n_targets = taker->pair->n_targets;
    for (uint16_t i = 0; i < state->n_targets; i++)
        state->targets[i] = taker->pair->uuids[i];
    for (size_t i = 0; !rc && i < taker->count; i++) {
        const struct domm_foreign *foreign = &taker->foreign[i];
        if (is_given_back(foreign))
            continue;
        if (taker->owners[i] == NOBODY)
            rc = state_take_check(taker->pair, foreign,
                                  "a frame of a domain that is not its target", err);
        else
            rc = domm_mapping_state_add(state,
                                        &(struct domm_mapping_run){
                                            .l1_pfn = foreign->l1_pfn,
                                            .gfn = foreign->gfn,
                                            .flags = foreign->flags,
                                            .slot = (uint16_t)foreign->slot,
                                            .count = 1,
                                            .target = taker->owners[i],
                                            .late = taker->late[i] || may_be_missing(taker, i),
                                        },
                                        err);
    }
    return rc;
}

static bool has_owner(const void *context, const struct domm_foreign *foreign)
{
    const struct taker *taker = context;
    return taker->owners[foreign - taker->foreign] != NOBODY || is_given_back(foreign);
}

/* Entries that were asked for in vain were written on the way (ask_translated): they may map a
 * frame of another target by now. No mapping is better than a wrong one. */
static void drop_doubtful(const struct taker *taker, const struct domm_scan *scan)
{
    struct domm_error ignored;
    size_t kept, cleared;
    bool asked = false;
    for (uint16_t i = 0; i < taker->pair->n_targets; i++)
        asked |= !taker->pair->targets[i].layout;
    if (asked)
        domm_scan_clear(taker->hv, taker->pair->monitor, scan, has_owner, taker, &kept, &cleared,
                        &ignored);
}

static int state_take_runs(struct domm_hv *hv, const struct domm_mapping_pair *pair,
                           const struct domm_scan *scan, struct domm_mapping_state *state,
                           struct domm_error *err)
{
    if (scan->hidden)
        return domm_fail(err, DOMM_REFUSED, "domain %u hides %zu of its pages from its p2m",
                         pair->monitor, scan->hidden);
    size_t room = scan->count ? scan->count : 1;
    cleanup_free uint16_t *owners = calloc(room, sizeof(*owners));
    cleanup_free bool *late = calloc(room, sizeof(*late));
    cleanup_free size_t *indices = calloc(room, sizeof(*indices));
    cleanup_free uint64_t *frames = calloc(room, sizeof(*frames));
    cleanup_free enum domm_page_kind *kinds = calloc(room, sizeof(*kinds));
    cleanup_free struct domm_pte_update *updates = calloc(room, sizeof(*updates));
    if (!owners || !late || !indices || !frames || !kinds || !updates)
        return domm_no_memory(err);
    struct taker taker = {.hv = hv,
                          .pair = pair,
                          .foreign = scan->foreign,
                          .count = scan->count,
                          .owners = owners,
                          .late = late,
                          .indices = indices,
                          .frames = frames,
                          .kinds = kinds,
                          .updates = updates};
    for (size_t i = 0; i < scan->count; i++)
        owners[i] = NOBODY;
    int rc = check_writable(&taker, err);
    if (rc)
        return rc;
    rc = find_owners(&taker, err);
    if (!rc)
        rc = record(&taker, state, err);
    if (rc)
        drop_doubtful(&taker, scan);
    return rc;
}

static bool is_not_given_back(const void *context, const struct domm_foreign *foreign)
{
    (void)context;
    return !is_given_back(foreign);
}

static int clear_given_back(struct domm_hv *hv, uint32_t monitor, const struct domm_scan *scan,
                            struct domm_error *err)
{
    size_t kept, cleared;
    int rc = domm_scan_clear(hv, monitor, scan, is_not_given_back, NULL, &kept, &cleared, err);
    if (rc)
        return rc;
    if (kept + cleared != scan->count)
        return domm_fail(err, DOMM_FAILED,
                         "only %zu of %zu mappings of returned pages were removed", cleared,
                         scan->count - kept);
    return 0;
}

static int take_scanned(struct domm_hv *hv, const struct domm_mapping_pair *pair,
                        const struct domm_scan *scan, struct domm_mapping_state *state,
                        struct domm_error *err)
{
    /* A suspended Linux maps neither its shared_info nor its grant table. */
    if (scan->nameless)
        return domm_fail(
            err, DOMM_REFUSED,
            "domain %u maps %zu frames that belong to no domain, but to Xen or a device",
            pair->monitor, scan->nameless);
    int rc = state_take_runs(hv, pair, scan, state, err);
    if (rc)
        return rc;
    return clear_given_back(hv, pair->monitor, scan, err);
}

int domm_mapping_state_take(struct domm_hv *hv, const struct domm_mapping_pair *pair,
                            struct domm_mapping_state *state_r, struct domm_error *err)
{
    struct domm_scan scan;
    *state_r = (struct domm_mapping_state){0};
    if (pair->n_targets < 1 || pair->n_targets > DOMM_MAPPING_MAX_TARGETS)
        return domm_fail(err, DOMM_REFUSED, "domain %u has %u targets", pair->monitor,
                         pair->n_targets);
    int rc = domm_scan(hv, pair->monitor, &scan, err);
    if (rc)
        return rc;
    rc = take_scanned(hv, pair, &scan, state_r, err);
    domm_scan_free(&scan);
    if (rc)
        domm_mapping_state_free(state_r);
    return rc;
}

static int check_paused(struct domm_hv *hv, const struct domm_mapping_pair *pair,
                        struct domm_error *err)
{
    struct domm_scan scan;
    cleanup_mapping_state struct domm_mapping_state state = {0};
    int rc = domm_scan(hv, pair->monitor, &scan, err);
    if (rc)
        return rc;
    rc = state_take_runs(hv, pair, &scan, &state, err);
    domm_scan_free(&scan);
    return rc;
}

int domm_mapping_state_check(struct domm_hv *hv, const struct domm_mapping_pair *pair,
                             struct domm_error *err)
{
    struct domm_pause_guard guard;
    int rc = domm_pause_guard_begin(hv, pair->monitor, &guard, err);
    if (rc)
        return rc;
    return domm_pause_guard_end(&guard, check_paused(hv, pair, err), err);
}
