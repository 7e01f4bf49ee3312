/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The end of a migration that gives the guests away. */
#ifndef DOMM_MOVE_SOURCE_H
#define DOMM_MOVE_SOURCE_H

#include "lib/move/data.h"
#include "lib/move/end.h"

/* All borrowed. */
struct domm_source_options {
    const char *pair; /* domM, or a target of it */
    const char *host; /* for people, and for TCP */
    char *const *ssh; /* words that run the remote command that follows them; ends with null */
    enum domm_data data;
    uint64_t bytes_per_s;     /* all streams together; 0: no limit */
    unsigned max_downtime_ms; /* what is left to send when the guests stop shall take no longer */
    unsigned timeout_s;       /* pre-copy that has not converged by then … */
    bool force_busy;          /* … is ended, instead of the migration */
    bool paused;              /* leave the targets paused at the destination */
    bool preflight;           /* check both ends, and change nothing */
    bool verify;              /* send everything twice, for the destination to compare */
    bool unsynchronised;      /* for tests */
    enum domm_on_not_ready on_not_ready;
};

struct domm_source {
    struct domm_end end;
    struct domm_source_options options;
    pid_t ssh; /* the control link's */
    int in, out;
    struct domm_wire_streams places;
    struct domm_stream streams[DOMM_MOVERS];
    bool settled[DOMM_MOVERS];
    bool limited;            /* the limit was raised */
    struct domm_state state; /* the mapping state, once taken */
    bool taken;
    uint64_t domm_stop_ns; /* when domM was told to stop; 0: not yet */
    uint64_t go_ns;        /* when GO was sent */
};

/* Finds the pair and describes its guests. DOMM_NOT_FOUND, DOMM_PREFLIGHT. *source_r is to be
 * closed, also after a failure. */
int domm_source_open(struct domm_source *source_r, const struct domm_source_options *options,
                     struct domm_log *log, struct domm_error *err);

/* Moves the pair. What became of it, source->end tells: report, machine and error. Signals in the
 * set, which the caller has blocked, ask for an end. Fails if nothing was begun. */
int domm_source_run(struct domm_source *source, const sigset_t *signals, struct domm_error *err);

void domm_source_close(struct domm_source *source);

#endif
