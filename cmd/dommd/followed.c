/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/dommd/followed.h"

#include <stdlib.h>
#include <string.h>

#include "cmd/dommd/monitor.h"
#include "lib/mapping/search.h"
#include "lib/xen/store.h"

struct followed *followed_of(struct service *service, struct served_target *target)
{
    struct domm_error err;
    uint64_t frames;
    if (target->followed)
        return target->followed;
    uint64_t most = domm_store_static_max(service->store, target->domid);
    if (domm_hv_frames(service->hv, target->domid, most, &frames, &err))
        return NULL;
    struct followed *followed = calloc(1, sizeof(*followed));
    if (!followed)
        return NULL;
    *followed = (struct followed){
        .frames = frames, .search_at = DOMM_SEARCH_END, .at_once = DOMM_SEARCH_LEAST};
    target->followed = followed;
    return followed;
}

void followed_free(struct served_target *target)
{
    if (target->followed) {
        free(target->followed->beyond);
        free(target->followed->sorted);
    }
    free(target->followed);
    target->followed = NULL;
}

/* The place of the first that is not smaller. */
static size_t place_of(const struct followed *followed, uint64_t gfn)
{
    size_t low = 0, high = followed->n_beyond;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (followed->sorted[middle] < gfn)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Room doubles whenever the number has reached a power of two. */
static bool followed_grow(uint64_t **list, size_t count)
{
    if (count & (count - 1))
        return true;
    uint64_t *grown = realloc(*list, (count ? 2 * count : 1) * sizeof(*grown));
    *list = grown ? grown : *list;
    return grown;
}

bool followed_add_beyond(struct followed *followed, uint64_t gfn)
{
    size_t count = followed->n_beyond, place = place_of(followed, gfn);
    if ((place < count && followed->sorted[place] == gfn) || count >= followed->frames ||
        !followed_grow(&followed->beyond, count) || !followed_grow(&followed->sorted, count))
        return false;
    memmove(followed->sorted + place + 1, followed->sorted + place,
            (count - place) * sizeof(*followed->sorted));
    followed->sorted[place] = gfn;
    followed->beyond[count] = gfn;
    followed->n_beyond++;
    return true;
}
