/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What dommd knows of the memory of one target, from its first request on. */
#ifndef DOMM_DOMMD_FOLLOWED_H
#define DOMM_DOMMD_FOLLOWED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct served_target;
struct service;

/* Changes of what is mapped, in pages. */
struct followed_changes {
    uint64_t gone; /* a hole where a page was */
    uint64_t came; /* a page where a hole was */
    uint64_t replaced;
};

struct followed {
    uint64_t frames; /* size of its view, and the same as long as the domain is */
    uint64_t owned;  /* its pages, by Xen's count */
    uint64_t seen;   /* of these: how many are mapped */
    uint64_t hidden; /* owned and not seen, for more than a moment */
    struct followed_changes changes, logged;

    /*
     * What it owns beyond its view: gfns, DOMM_BY_MFN of a PV target, in the order in which they
     * were found, by which processes ask for them; and the same sorted. A page may have gone since.
     */
    uint64_t *beyond, *sorted;
    size_t n_beyond;

    size_t first;       /* the region that the next look begins with */
    uint64_t search_at; /* lib/mapping/search.h; DOMM_SEARCH_END: none goes on */
    size_t at_once;     /* frames that one step of it asks for */
    bool searched;      /* a pass is over */
    int64_t search_ms;  /* the next may begin then */
    int64_t search_rest_ms;
    uint64_t least[2]; /* the fewest pages not seen, in this while and the one before */
    int64_t while_ms;  /* this while ends then */
    int64_t count_ms;  /* when to count next what is seen, if nothing changes */
    int64_t probe_ms;  /* when to ask next whether pages without a gfn are still there */
    int64_t told_ms;   /* when its numbers were published last */
    char told[128];
};

/* What is known of the target, which runs; null if there is no memory for it, or the target has
 * gone. The target's, until followed_free. */
struct followed *followed_of(struct service *service, struct served_target *target);

/* Forgets it all. */
void followed_free(struct served_target *target);

/* Adds what lies beyond the view; false if it is known already, or nothing more can be noted: no
 * target has more such pages than its view is large, unless it makes and drops them on purpose. */
bool followed_add_beyond(struct followed *followed, uint64_t gfn);

#endif
