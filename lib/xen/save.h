/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Saving a domain through libxenguest with hooks of domm's own. lib/stream puts libxl's stream
 * around it.
 */
#ifndef DOMM_XEN_SAVE_H
#define DOMM_XEN_SAVE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/error.h"
#include "lib/xen/hv.h"
#include "lib/xen/xen.h"

enum domm_precopy_verdict { DOMM_PRECOPY_GO_ON, DOMM_PRECOPY_STOP, DOMM_PRECOPY_ABORT };

struct domm_precopy {
    unsigned int round;   /* rounds sent */
    uint64_t sent_pages;  /* pages sent in them */
    bool counted;         /* false directly after a round: only abort or continue */
    uint64_t dirty_pages; /* pages for the next round; if counted */
};

/* Called by domm_hv_save, in its thread. */
struct domm_save_hooks {
    /* Called before and after each round of a live save. It may take its time: the guest runs. */
    enum domm_precopy_verdict (*precopy)(void *context, const struct domm_precopy *precopy);
    /* Suspends the guest and returns true; false makes the save fail. A save that is not live has
     * written the stream up to the first page by then. */
    bool (*stop)(void *context);
    void *context;
};

enum domm_save_mode {
    DOMM_SAVE_LIVE, /* Xen tracks the pages that the guest writes: translated guests, and PV guests
                       by shadow paging */
    DOMM_SAVE_STOPPED, /* all pages after the stop */
};

/*
 * Writes libxenguest's stream to fd. The guest is left suspended, if it came to that. With verify,
 * which is for live saves, all pages are sent once more for the other end to compare; it reports
 * differences in its log.
 */
int domm_hv_save(struct domm_hv *hv, uint32_t domid, int fd, enum domm_save_mode mode, bool verify,
                 const struct domm_save_hooks *hooks, struct domm_error *err);

#endif
