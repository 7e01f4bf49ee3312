/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The end of a migration that takes the guests over. */
#ifndef DOMM_MOVE_DESTINATION_H
#define DOMM_MOVE_DESTINATION_H

#include <signal.h>

#include "lib/move/data.h"
#include "lib/move/end.h"

struct domm_destination {
    struct domm_end end;
    struct domm_door *door; /* null before the guests are admitted */
    struct domm_wire_streams places;
    struct domm_blob record; /* domM's, as it comes */
    struct domm_wire_end seal;
    bool described[DOMM_MOVERS], brought[DOMM_MOVERS], sealed;
    int streams[DOMM_MOVERS]; /* to be cut; -1: none */
    uint64_t go_ns;           /* when GO came */
    uint64_t ready_ns;
    struct domm_state state; /* the mapping state, once it is about to be written */
    size_t ptes;
};

/* *destination_r is to be closed, also after a failure. */
int domm_destination_open(struct domm_destination *destination_r, struct domm_log *log,
                          struct domm_error *err);

/* Takes over what the other end of the descriptors has to give. As domm_source_run. */
int domm_destination_run(struct domm_destination *destination, int in, int out,
                         const sigset_t *signals, struct domm_error *err);

void domm_destination_close(struct domm_destination *destination);

#endif
