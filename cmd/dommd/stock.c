/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/dommd/stock.h"

#include <stdlib.h>
#include <string.h>

#include "cmd/dommd/followed.h"
#include "cmd/dommd/regions.h"
#include "cmd/shared/event_loop.h"
#include "lib/base/bits.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/mapping/mapping.h"
#include "lib/mapping/search.h"
#include "lib/pair/pages.h"

#define COUNT_MS 1000 /* between counts, if nothing changes */
#define WHILE_MS 1500 /* a page that is not seen all this while is hidden */
#define TELL_MS 1000  /* between two publications */
#define SEARCH_MS 20  /* of one target's search, at one time */

/* Between passes of a search, the longer the oftener none has found anything. */
#define LEAST_REST_MS 200
#define MOST_REST_MS 10000

struct stock {
    struct service *service;
    struct monitor *monitor;
    struct served_target *target;
    struct followed *followed;
    struct domm_mapping_target mapped;
    struct domm_search_scope scope;
    unsigned char *mapped_bits, *hole_bits; /* of the scope */
};

void stock_search_soon(struct followed *followed)
{
    followed->search_ms = 0;
    followed->search_rest_ms = LEAST_REST_MS;
}

/* A page of Xen's in the target, as its shared_info, is mapped as others are, and is none of those
 * that Xen counts. If Xen does not tell, it is asked again. */
static void stock_ask(const struct stock *stock, struct mapped_region *region)
{
    uint64_t frames[DOMM_PTES] = {0};
    uint32_t slots[DOMM_PTES];
    enum domm_page_kind kinds[DOMM_PTES];
    struct domm_error err;
    size_t count = 0;
    for (uint32_t slot = 1; slot < DOMM_PTES; slot++) {
        if (region->mfns[slot] == DOMM_NO_FRAME || domm_bit_get(region->asked, slot))
            continue;
        slots[count] = slot;
        frames[count++] = stock->target->translated ? region->gfns[slot] : region->mfns[slot];
    }
    if (!count ||
        domm_hv_kinds(stock->service->hv, stock->target->domid, frames, count, kinds, &err))
        return;
    for (size_t i = 0; i < count; i++) {
        domm_bit_put(region->asked, slots[i], true);
        domm_bit_put(region->xens, slots[i], kinds[i] == DOMM_PAGE_ABSENT);
    }
}

/* Two processes may map the same frame. */
static uint64_t count_region(struct stock *stock, struct mapped_region *region)
{
    uint64_t seen = 0;
    stock_ask(stock, region);
    for (uint32_t slot = 1; slot < DOMM_PTES; slot++) {
        uint64_t gfn = region->gfns[slot], mfn = region->mfns[slot];
        if (mfn == DOMM_NO_FRAME && gfn < stock->scope.frames)
            domm_bit_put(stock->hole_bits, gfn, true);
        if (mfn >= stock->scope.m2p_count)
            continue;
        seen += !domm_bit_get(stock->mapped_bits, mfn) && domm_bit_get(region->asked, slot) &&
                !domm_bit_get(region->xens, slot);
        domm_bit_put(stock->mapped_bits, mfn, true);
    }
    return seen;
}

static uint64_t stock_count(struct stock *stock)
{
    const struct monitor *monitor = stock->monitor;
    uint64_t seen = 0;
    for (size_t i = 0; i < monitor->n_regions; i++) {
        if (monitor->regions[i]->domid == stock->target->domid)
            seen += count_region(stock, monitor->regions[i]);
    }
    return seen;
}

/* A PV target's frames are found by mfn. Its word on where one is counts only if its tables agree;
 * any other has no place in its memory. */
static uint64_t gfn_of(const struct stock *stock, uint64_t found)
{
    if (stock->target->translated)
        return found;
    uint64_t gfn = stock->scope.m2p[found];
    bool agreed = gfn < stock->scope.frames && domm_mapping_frame(&stock->mapped, gfn) == found;
    return agreed ? gfn : found | DOMM_BY_MFN;
}

static int by_gfn(const void *a, const void *b)
{
    const uint64_t *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

/* Returns how many slots want one of these, and do not map it. */
static size_t stock_doubt(struct stock *stock, const uint64_t *gfns, size_t count)
{
    size_t marked = 0;
    for (size_t i = 0; i < stock->monitor->n_regions; i++) {
        struct mapped_region *region = stock->monitor->regions[i];
        for (uint32_t slot = 1; region->domid == stock->target->domid && slot < DOMM_PTES; slot++) {
            const uint64_t *gfn = &region->gfns[slot];
            if (region->mfns[slot] != DOMM_NO_FRAME || *gfn == DOMM_NO_FRAME ||
                !bsearch(gfn, gfns, count, sizeof(*gfns), by_gfn))
                continue;
            domm_bit_put(region->doubt, slot, true);
            marked++;
        }
    }
    return marked;
}

/* Returns how many of these are of use. */
static size_t stock_use(struct stock *stock, uint64_t *found, size_t count)
{
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        found[i] = gfn_of(stock, found[i]);
        used +=
            found[i] >= stock->followed->frames && followed_add_beyond(stock->followed, found[i]);
    }
    if (!count)
        return 0;
    qsort(found, count, sizeof(*found), by_gfn);
    return used + stock_doubt(stock, found, count);
}

static void search_ends(struct followed *followed, int64_t now)
{
    int64_t rest = followed->search_rest_ms;
    followed->searched = true;
    followed->search_ms = now + rest;
    followed->search_rest_ms = 2 * rest < MOST_REST_MS ? 2 * rest : MOST_REST_MS;
}

/* How long Xen takes for a frame differs a thousandfold: it may log each that is not the target's
 * (guest_loglvl=all), on a serial line. Then dommd would answer nobody for seconds. */
static void search_pace(struct followed *followed, size_t asked, int64_t took_ms)
{
    if (took_ms > SEARCH_MS && followed->at_once > DOMM_SEARCH_LEAST)
        followed->at_once /= 2;
    else if (asked == followed->at_once && took_ms < SEARCH_MS / 4 &&
             followed->at_once < DOMM_SEARCH_FRAMES)
        followed->at_once *= 2;
}

static void stock_search(struct stock *stock, int64_t now)
{
    struct followed *followed = stock->followed;
    uint64_t found[DOMM_SEARCH_FRAMES];
    struct domm_error err;
    int64_t begin_ms, end_ms = domm_now_ms() + SEARCH_MS;
    size_t count, asked;
    if (followed->search_at == DOMM_SEARCH_END)
        followed->search_at = followed->searched ? DOMM_SEARCH_LATER : 0;
    do {
        begin_ms = domm_now_ms();
        stock->scope.at_once = followed->at_once;
        if (domm_search_step(stock->service->hv, &stock->scope, &followed->search_at, found, &count,
                             &asked, &err))
            return; /* the target has gone */
        if (stock_use(stock, found, count))
            followed->search_rest_ms = LEAST_REST_MS;
        search_pace(followed, asked, domm_now_ms() - begin_ms);
    } while (followed->search_at != DOMM_SEARCH_END && domm_now_ms() < end_ms);
    if (followed->search_at == DOMM_SEARCH_END)
        search_ends(followed, now);
}

/* What is not seen for a moment is not hidden; nor is what the monitor has mapped for another
 * dommd, or before it was migrated, and has not claimed yet. */
static void stock_conclude(const struct monitor *monitor, struct followed *followed, int64_t now)
{
    uint64_t missing = followed->owned > followed->seen ? followed->owned - followed->seen : 0;
    if (now >= followed->while_ms) {
        followed->least[1] = followed->least[0];
        followed->least[0] = missing;
        followed->while_ms = now + WHILE_MS;
    } else if (missing < followed->least[0]) {
        followed->least[0] = missing;
    }
    if (!missing)
        followed->hidden = 0;
    else if (!event_timer_is_set(monitor->reclaim_timer))
        followed->hidden = followed->least[followed->least[1] < followed->least[0]];
}

static void stock_publish(const struct stock *stock, int64_t now)
{
    struct followed *followed = stock->followed;
    const struct domm_pages pages = {.owned = followed->owned,
                                     .seen = followed->seen,
                                     .hidden = followed->hidden,
                                     .gone = followed->changes.gone,
                                     .came = followed->changes.came,
                                     .replaced = followed->changes.replaced};
    char text[DOMM_PAGES_TEXT];
    struct domm_error err;
    domm_pages_format(&pages, text);
    if (now < followed->told_ms + TELL_MS || strcmp(text, followed->told) == 0)
        return;
    if (domm_pages_write(stock->service->store, stock->monitor->domid, &stock->target->uuid, text,
                         &err))
        monitor_log(stock->service, stock->monitor, DOMM_LOG_WARN, "%s", err.text);
    followed->told_ms = now;
    memcpy(followed->told, text, sizeof(text));
}

static bool stock_scope(struct stock *stock)
{
    struct domm_error err;
    struct domm_search_scope *scope = &stock->scope;
    if (domm_hv_m2p(stock->service->hv, &scope->m2p, &scope->m2p_count, &err))
        return false;
    stock->mapped_bits = calloc(DOMM_BITS_BYTES(scope->m2p_count), 1);
    stock->hole_bits = calloc(DOMM_BITS_BYTES(scope->frames), 1);
    scope->mapped = stock->mapped_bits;
    scope->holes = stock->hole_bits;
    return stock->mapped_bits && stock->hole_bits;
}

/* What is not mapped at all may be populated on demand: to ask is to touch. The tables of a PV
 * target name its pages, so it is searched only for what stays hidden: every frame of the machine
 * is asked for. */
static bool stock_is_missing(const struct stock *stock)
{
    const struct followed *followed = stock->followed;
    return followed->seen && followed->owned > followed->seen &&
           (stock->target->translated || followed->hidden);
}

static void stock_carry_out(struct stock *stock, int64_t now)
{
    struct followed *followed = stock->followed;
    followed->seen = stock_count(stock);
    bool searching = followed->search_at != DOMM_SEARCH_END;
    if (stock_is_missing(stock) && (searching || now >= followed->search_ms))
        stock_search(stock, now);
    stock_conclude(stock->monitor, followed, now);
    stock_publish(stock, now);
    followed->count_ms = now + COUNT_MS;
}

bool stock_take(struct service *service, struct monitor *monitor, struct served_target *target,
                bool changed)
{
    struct followed *followed = target->followed;
    int64_t now = domm_now_ms();
    size_t known = followed->n_beyond;
    if (!changed && now < followed->count_ms && followed->search_at == DOMM_SEARCH_END)
        return false;
    struct stock stock = {
        .service = service,
        .monitor = monitor,
        .target = target,
        .followed = followed,
        .mapped = {.domid = target->domid, .layout = target->translated ? NULL : &target->layout},
        .scope = {.domid = target->domid,
                  .translated = target->translated,
                  .frames = followed->frames},
    };
    if (stock_scope(&stock))
        stock_carry_out(&stock, now);
    free(stock.mapped_bits);
    free(stock.hole_bits);
    return followed->n_beyond != known;
}
