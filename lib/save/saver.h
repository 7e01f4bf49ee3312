/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The saver of one guest: a child process that writes the guest's stream, first while it runs. It
 * reports each round (ROUND) and keeps the dirty set small until it may stop the guest (STOP);
 * reports that it has (SUSPENDED), and sends the rest when it may (FINISH); then all is SENT. It
 * never resumes a guest: that is for who knows in which order (domm_xen_resume).
 */
#ifndef DOMM_SAVE_SAVER_H
#define DOMM_SAVE_SAVER_H

#include "lib/base/log.h"
#include "lib/save/child.h"

enum domm_saver_way {
    DOMM_SAVER_TRACKED,  /* Xen tracks what the guest writes: PVH, and PV under shadow paging */
    DOMM_SAVER_COMPARED, /* a PV guest: lib/save/compare.h */
};

struct domm_saver {
    struct domm_log *log;
    uint32_t domid;
    enum domm_saver_way way;
    bool pause;  /* besides the suspend, so that libxenguest fails at a foreign mapping that
                    is left, instead of losing it: for every PV guest */
    bool verify; /* send all pages again for the other end to compare */
    uint64_t enough_pages; /* dirty pages with which it has converged in any case */
    unsigned
        max_downtime_ms; /* … and when they take no longer to send, at the rate of its rounds */
};

/* The stream is written to `stream`, from libxl's header to its END. */
int domm_saver_start(struct domm_xen *xen, const struct domm_saver *saver, int stream,
                     struct domm_child *child_r, struct domm_error *err);

#endif
