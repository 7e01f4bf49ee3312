/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Saving a domain through libxenguest with hooks of domm's own, and what goes with it: stopping and
 * resuming the guest, and its configuration. libxl's stream around it is lib/save's.
 */
#ifndef DOMM_XEN_SAVE_H
#define DOMM_XEN_SAVE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/error.h"
#include "lib/xen/memory.h"
#include "lib/xen/xen.h"

enum domm_precopy_verdict { DOMM_PRECOPY_GO_ON, DOMM_PRECOPY_STOP, DOMM_PRECOPY_ABORT };

struct domm_precopy {
    unsigned int round;   /* rounds that have been sent */
    uint64_t sent_pages;  /* in them */
    bool counted;         /* false directly after a round: abort or go on */
    uint64_t dirty_pages; /* to be sent in the next round; if counted */
};

/* Called by domm_memory_save, in its thread. */
struct domm_save_hooks {
    /* Before and after each round of a live save. It may take its time: the guest runs. */
    enum domm_precopy_verdict (*precopy)(void *context, const struct domm_precopy *precopy);
    /* Has the guest suspended when it returns true; false makes the save fail. A save that is not
     * live has written the stream up to the first page by then. */
    bool (*stop)(void *context);
    void *context;
};

enum domm_save_mode {
    DOMM_SAVE_LIVE,    /* Xen tracks what the guest writes: translated guests, and PV by shadow */
    DOMM_SAVE_STOPPED, /* all pages after the stop */
};

/*
 * Writes libxenguest's stream to fd. The guest is left suspended, if it came to that. With verify,
 * which is for live saves, all pages are sent once more for the other end to compare; it reports
 * differences in its log.
 */
int domm_memory_save(struct domm_memory *memory, uint32_t domid, int fd, enum domm_save_mode mode,
                     bool verify, const struct domm_save_hooks *hooks, struct domm_error *err);

/* Asks the guest to suspend itself, and waits until it has; it may take a minute to fail. One that
 * is suspended stays so. */
int domm_xen_suspend(struct domm_xen *xen, uint32_t domid, struct domm_error *err);

/*
 * Lets a guest that is suspended go on where it was; of one that is not, a pending request to
 * suspend is taken back, and one that domm_xen_suspend has made and the guest is carrying out is
 * waited for, up to a minute. One that was suspended is tended from then on (lib/xen/ending.h). A
 * controller pause that was made after it had suspended is undone,
 * and so is what a saver that was killed has left: Xen stops tracking what the guest writes.
 */
int domm_xen_resume(struct domm_xen *xen, uint32_t domid, struct domm_error *err);

/* The configuration a guest can be built from elsewhere, as libxl's JSON; the caller's to free. */
int domm_xen_configuration(struct domm_xen *xen, uint32_t domid, char **json_r,
                           struct domm_error *err);

/* The first thing a child process does with what it has inherited and will not use: after it, the
 * child may open connections of its own, and must not touch this one. Null is fine. */
void domm_xen_forked(struct domm_xen *xen);

#endif
