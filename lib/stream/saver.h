/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The saver of one guest: a child process that writes the guest's stream, first while the guest
 * runs. It reports each round (ROUND) and keeps the dirty set small until the command STOP; then it
 * suspends the guest, reports SUSPENDED, and waits for FINISH; then it sends the rest and reports
 * SENT. It never resumes a guest: only the parent knows the order (domm_xen_resume).
 */
#ifndef DOMM_STREAM_SAVER_H
#define DOMM_STREAM_SAVER_H

#include "lib/base/log.h"
#include "lib/stream/child.h"

enum domm_saver_way {
    DOMM_SAVER_TRACKED,  /* Xen tracks the pages that the guest writes: PVH, and PV under shadow
                            paging */
    DOMM_SAVER_COMPARED, /* a PV guest: lib/stream/compare.h */
};

struct domm_saver {
    struct domm_log *log;
    uint32_t domid;
    enum domm_saver_way way;
    bool pause;  /* pause after the suspend, so that libxenguest fails at a foreign mapping that is
                    left instead of losing it: for every PV guest */
    bool verify; /* send all pages again for the other end to compare */
    uint64_t enough_pages;  /* with at most this many dirty pages it has converged */
    unsigned final_copy_ms; /* also if sending the dirty pages takes no longer, at the pace of its
                               rounds */
};

/* The stream is written to `stream`, from libxl's header to its END. */
int domm_saver_start(struct domm_xen *xen, const struct domm_saver *saver, int stream,
                     struct domm_child *child_r, struct domm_error *err);

#endif
