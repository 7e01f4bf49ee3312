/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdlib.h>

#include "lib/base/cleanup.h"
#include "lib/mapping/hold.h"
#include "lib/mapping/state.h"

#define NOBODY UINT16_MAX

struct taker {
    struct domm_memory *memory;
    const struct domm_state_pair *pair;
    const struct domm_foreign *foreign;
    size_t count;
    uint16_t *owners; /* by entry */
    bool *late;
    /* The entries that are looked at in one pass, and what is asked about them. */
    size_t n;
    size_t *indices;
    uint64_t *frames;
    enum domm_page_kind *kinds;
    struct domm_pte_update *updates;
};

/* Its target has it no more: it is not carried. */
static bool is_given_back(const struct domm_foreign *foreign)
{
    return foreign->gfn == DOMM_NO_FRAME;
}

/* Those that have no owner yet. */
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
    int rc = domm_memory_kinds(taker->memory, taker->pair->targets[target].domid, taker->frames,
                               taker->n, taker->kinds, err);
    for (size_t i = 0; !rc && i < taker->n; i++) {
        if (taker->kinds[i] != DOMM_PAGE_ABSENT)
            taker->owners[taker->indices[i]] = target;
    }
    return rc;
}

/* Whether the entry still maps the frame that the scan saw. */
static int compare(struct taker *taker, uint16_t target, bool late, struct domm_error *err)
{
    uint64_t *table = NULL, mapped = DOMM_NO_FRAME;
    int error = 0, rc = 0;
    for (size_t i = 0; !rc && i < taker->n; i++) {
        const struct domm_foreign *foreign = &taker->foreign[taker->indices[i]];
        if (foreign->l1_mfn != mapped) {
            domm_memory_unmap(taker->memory, table, 1);
            mapped = foreign->l1_mfn;
            table = domm_memory_map(taker->memory, taker->pair->domm, &mapped, 1, &error);
        }
        if (!table || error)
            rc = domm_fail(err, DOMM_FAILED, "a page table of domain %u cannot be read",
                           taker->pair->domm);
        else if (!taker->updates[i].error && domm_pte_frame(table[foreign->slot]) == foreign->mfn) {
            taker->owners[taker->indices[i]] = target;
            taker->late[taker->indices[i]] = late;
        }
    }
    domm_memory_unmap(taker->memory, table, 1);
    return rc;
}

/* Keeps of the chosen the frames that are ordinary ones of the target, or those that are not. */
static int sift(struct taker *taker, uint16_t target, bool late, struct domm_error *err)
{
    choose(taker, false);
    int rc = domm_memory_kinds(taker->memory, taker->pair->targets[target].domid, taker->frames,
                               taker->n, taker->kinds, err);
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
    rc = domm_memory_update(taker->memory, taker->pair->domm, taker->pair->targets[target].domid,
                            taker->updates, taker->n, &done, err);
    return rc ? rc : compare(taker, target, late, err);
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

static int check(const struct domm_state_pair *pair, const struct domm_foreign *foreign,
                 const char *what, struct domm_error *err)
{
    return domm_fail(err, DOMM_REFUSED,
                     "domain %u maps %s: table 0x%" PRIx64 ", slot %u, machine frame 0x%" PRIx64
                     " (frame 0x%" PRIx64 " of its owner), flags 0x%" PRIx64,
                     pair->domm, what, foreign->l1_pfn, foreign->slot, foreign->mfn, foreign->gfn,
                     foreign->flags);
}

static int check_writable(const struct taker *taker, struct domm_error *err)
{
    for (size_t i = 0; i < taker->count; i++) {
        if (taker->foreign[i].flags & DOMM_PTE_WRITABLE)
            return check(taker->pair, &taker->foreign[i], "a frame of another domain for writing",
                         err);
    }
    return 0;
}

static int record(const struct taker *taker, struct domm_state *state, struct domm_error *err)
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
            rc = check(taker->pair, foreign, "a frame of a domain that is not its target", err);
        else
            rc = domm_state_add(state,
                                &(struct domm_state_run){
                                    .l1_pfn = foreign->l1_pfn,
                                    .gfn = foreign->gfn,
                                    .flags = foreign->flags,
                                    .slot = (uint16_t)foreign->slot,
                                    .count = 1,
                                    .target = taker->owners[i],
                                    .late = taker->late[i],
                                },
                                err);
    }
    return rc;
}

static int take(struct domm_memory *memory, const struct domm_state_pair *pair,
                const struct domm_scan *scan, struct domm_state *state, struct domm_error *err)
{
    if (scan->hidden)
        return domm_fail(err, DOMM_REFUSED, "domain %u hides %zu of its pages from its p2m",
                         pair->domm, scan->hidden);
    size_t room = scan->count ? scan->count : 1;
    cleanup_free uint16_t *owners = calloc(room, sizeof(*owners));
    cleanup_free bool *late = calloc(room, sizeof(*late));
    cleanup_free size_t *indices = calloc(room, sizeof(*indices));
    cleanup_free uint64_t *frames = calloc(room, sizeof(*frames));
    cleanup_free enum domm_page_kind *kinds = calloc(room, sizeof(*kinds));
    cleanup_free struct domm_pte_update *updates = calloc(room, sizeof(*updates));
    if (!owners || !late || !indices || !frames || !kinds || !updates)
        return domm_no_memory(err);
    struct taker taker = {.memory = memory,
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
    if (!rc)
        rc = find_owners(&taker, err);
    return rc ? rc : record(&taker, state, err);
}

static bool is_not_given_back(const void *context, const struct domm_foreign *foreign)
{
    (void)context;
    return !is_given_back(foreign);
}

static int clear_given_back(struct domm_memory *memory, uint32_t domm, const struct domm_scan *scan,
                            struct domm_error *err)
{
    size_t kept, cleared;
    int rc = domm_scan_clear(memory, domm, scan, is_not_given_back, NULL, &kept, &cleared, err);
    if (!rc && kept + cleared != scan->count)
        rc = domm_fail(err, DOMM_FAILED, "only %zu of %zu pages that were given back are taken out",
                       cleared, scan->count - kept);
    return rc;
}

int domm_state_take(struct domm_memory *memory, const struct domm_state_pair *pair,
                    struct domm_state *state_r, struct domm_error *err)
{
    struct domm_scan scan;
    *state_r = (struct domm_state){0};
    if (pair->n_targets < 1 || pair->n_targets > DOMM_STATE_TARGETS)
        return domm_fail(err, DOMM_REFUSED, "domain %u has %u targets", pair->domm,
                         pair->n_targets);
    int rc = domm_scan(memory, pair->domm, &scan, err);
    if (rc)
        return rc;
    /* A suspended Linux maps neither its shared_info nor its grant table. */
    if (scan.nameless)
        rc = domm_fail(err, DOMM_REFUSED,
                       "domain %u maps %zu frames of no domain: of Xen, or of a device", pair->domm,
                       scan.nameless);
    else
        rc = take(memory, pair, &scan, state_r, err);
    rc = rc ? rc : clear_given_back(memory, pair->domm, &scan, err);
    domm_scan_free(&scan);
    if (rc)
        domm_state_free(state_r);
    return rc;
}

static int check_paused(struct domm_memory *memory, const struct domm_state_pair *pair,
                        struct domm_error *err)
{
    struct domm_scan scan;
    cleanup_state struct domm_state state = {0};
    int rc = domm_scan(memory, pair->domm, &scan, err);
    if (rc)
        return rc;
    rc = take(memory, pair, &scan, &state, err);
    domm_scan_free(&scan);
    return rc;
}

int domm_state_check(struct domm_memory *memory, const struct domm_state_pair *pair,
                     struct domm_error *err)
{
    struct domm_hold hold;
    int rc = domm_hold(memory, pair->domm, &hold, err);
    return rc ? rc : domm_hold_end(&hold, check_paused(memory, pair, err), err);
}
