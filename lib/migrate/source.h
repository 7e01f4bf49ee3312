/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The source of a migration. */
#ifndef DOMM_MIGRATE_SOURCE_H
#define DOMM_MIGRATE_SOURCE_H

#include "lib/migrate/drain.h"
#include "lib/migrate/prediction.h"
#include "lib/migrate/session.h"
#include "lib/migrate/transport/data.h"

/* All borrowed. */
struct domm_source_options {
    const char *pair; /* the monitor, or a target of it */
    const char *host; /* for messages, and for TCP */
    char *const *ssh; /* words that run the remote command that follows them; ends with null */
    enum domm_data data;
    uint64_t bytes_per_s;     /* all streams together; 0: no limit */
    unsigned max_downtime_ms; /* the targets', as predicted (prediction.h); 0: no limit */
    unsigned timeout_s;       /* the time limit of pre-copy */
    bool force_busy;          /* at the limit, stop the guests instead of rolling back */
    bool paused;              /* leave the targets paused at the destination */
    bool preflight;           /* check both ends, and change nothing */
    bool verify;              /* send everything twice, for the destination to compare */
    bool unsynchronised;      /* for tests */
    enum domm_on_not_ready on_not_ready;
};

struct domm_source {
    struct domm_session session;
    struct domm_source_options options;
    pid_t ssh; /* the control link's */
    int in, out;
    struct domm_message_streams endpoint;
    struct domm_stream streams[DOMM_MAX_GUESTS];
    struct domm_relay_shared *shared; /* of each stream */
    bool settled[DOMM_MAX_GUESTS];
    bool limited; /* the limit was raised */
    struct domm_prediction prediction;
    struct domm_mapping_state state; /* the mapping state, once taken */
    bool taken;
    bool tables_held; /* the monitor runs again, but dommd may not have noticed that it was stopped
                       */
    struct domm_drain drain;  /* of the mirrors, from when the targets have stopped */
    uint64_t monitor_stop_ns; /* when the monitor was told to stop; 0: not yet */
    uint64_t prepare_ns;      /* when PREPARE was sent */
};

/* Finds the pair and describes its guests. DOMM_NOT_FOUND, DOMM_PREFLIGHT. domm_source_close must
 * be called, also after a failure. */
int domm_source_open(struct domm_source *source_r, const struct domm_source_options *options,
                     struct domm_log *log, struct domm_error *err);

/* Migrates the pair. The result is in source->session: report, machine and error. The signals in
 * the set, which the caller has blocked, request an abort, but for SIGUSR1, which asks for the
 * status. Fails if nothing was begun. */
int domm_source_run(struct domm_source *source, const sigset_t *signals, struct domm_error *err);

/* Closes everything, after domm_source_open has succeeded or failed. */
void domm_source_close(struct domm_source *source);

#endif
