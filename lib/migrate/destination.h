/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The destination of a migration. */
#ifndef DOMM_MIGRATE_DESTINATION_H
#define DOMM_MIGRATE_DESTINATION_H

#include <signal.h>

#include "lib/migrate/session.h"
#include "lib/migrate/transport/data.h"

struct domm_destination {
    struct domm_session session;
    struct domm_acceptor *acceptor; /* null before the guests are admitted */
    struct domm_message_streams endpoint;
    struct domm_chunks record; /* the monitor's, as it comes */
    struct domm_message_state_end seal;
    bool described[DOMM_MAX_GUESTS], brought[DOMM_MAX_GUESTS], sealed;
    int streams[DOMM_MAX_GUESTS]; /* to be cut; -1: none */
    uint64_t prepare_ns;          /* when PREPARE came */
    uint64_t ready_ns;
    struct domm_mapping_state state; /* the mapping state, once it is about to be written */
    size_t ptes;
};

/* domm_destination_close must be called, also after a failure. */
int domm_destination_open(struct domm_destination *destination_r, struct domm_log *log,
                          struct domm_error *err);

/* Receives a pair from the source, which the two descriptors connect. As domm_source_run. */
int domm_destination_run(struct domm_destination *destination, int in, int out,
                         const sigset_t *signals, struct domm_error *err);

/* Closes everything, after domm_destination_open has succeeded or failed. */
void domm_destination_close(struct domm_destination *destination);

#endif
