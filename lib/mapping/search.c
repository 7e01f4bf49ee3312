/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/mapping/search.h"

#include "lib/base/bits.h"
#include "lib/mapping/pte.h"

/* Where libxl puts ACPI tables, the pages of xenstore and the console and others of a translated
 * guest (tools/libacpi/acpi2_0.h, tools/libs/guest/xg_dom_x86.c): a pass begins there, so that the
 * first answers are of use on a host with much memory, too. */
#define USUAL_BEGIN UINT64_C(0xfc000)
#define USUAL_END UINT64_C(0xff000)
#define USUAL DOMM_SEARCH_LATER

_Static_assert(USUAL == USUAL_END - USUAL_BEGIN, "the first places of a pass");

#define MOST_FRAME (DOMM_PTE_FRAME_BITS >> 12)

/* The frame to ask for at a step of a pass; DOMM_NO_FRAME if there is none. */
static uint64_t search_candidate(const struct domm_search_scope *scope, uint64_t at)
{
    if (at < USUAL) {
        uint64_t gfn = USUAL_BEGIN + at;
        return scope->translated && gfn >= scope->frames ? gfn : DOMM_NO_FRAME;
    }
    uint64_t mfn = at - USUAL, gfn = scope->m2p[mfn];
    if (domm_bit_get(scope->mapped, mfn))
        return DOMM_NO_FRAME;
    if (!scope->translated)
        return mfn;
    bool wanted = gfn < scope->frames ? domm_bit_get(scope->holes, gfn) : gfn <= MOST_FRAME;
    return wanted ? gfn : DOMM_NO_FRAME;
}

int domm_search_step(struct domm_hv *hv, const struct domm_search_scope *scope, uint64_t *at,
                     uint64_t *found_r, size_t *count_r, size_t *asked_r, struct domm_error *err)
{
    uint64_t frames[DOMM_SEARCH_FRAMES] = {0};
    enum domm_page_kind kinds[DOMM_SEARCH_FRAMES];
    uint64_t all = USUAL + scope->m2p_count, i = *at;
    uint64_t end = all - i < DOMM_SEARCH_ENTRIES ? all : i + DOMM_SEARCH_ENTRIES;
    size_t count = 0;
    *count_r = 0;
    for (; i < end && count < scope->at_once; i++) {
        uint64_t frame = search_candidate(scope, i);
        if (frame != DOMM_NO_FRAME)
            frames[count++] = frame;
    }
    *asked_r = count;
    int rc = domm_hv_kinds(hv, scope->domid, frames, count, kinds, err);
    if (rc)
        return rc;
    for (size_t j = 0; j < count; j++) {
        if (kinds[j] != DOMM_PAGE_ABSENT)
            found_r[(*count_r)++] = frames[j];
    }
    *at = i == all ? DOMM_SEARCH_END : i;
    return 0;
}
