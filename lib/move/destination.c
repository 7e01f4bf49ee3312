/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/move/destination.h"

#include <errno.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "lib/move/destination-internal.h"
#include "lib/move/runner.h"

int domm_destination_open(struct domm_destination *destination_r, struct domm_log *log,
                          struct domm_error *err)
{
    memset(destination_r, 0, sizeof(*destination_r));
    destination_r->end.ops = &domm_destination_ops;
    for (unsigned int g = 0; g < DOMM_MOVERS; g++)
        destination_r->streams[g] = -1;
    return domm_end_open(&destination_r->end, log, err);
}

int domm_destination_run(struct domm_destination *destination, int in, int out,
                         const sigset_t *signals, struct domm_error *err)
{
    struct domm_end *end = &destination->end;
    /* How many targets there are, the offer tells. */
    const struct domm_move_setup setup = {.n_targets = 1};
    end->signals = signalfd(-1, signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (end->signals < 0)
        return domm_fail_errno(err, DOMM_FAILED, errno, "listening for signals");
    int rc = domm_peer_begin(&end->peer, false, in, out, err);
    return rc ? rc : domm_run_end(end, &setup, err);
}

void domm_destination_close(struct domm_destination *destination)
{
    domm_end_close(&destination->end);
    for (unsigned int g = 0; g < DOMM_MOVERS; g++) {
        if (destination->streams[g] >= 0)
            close(destination->streams[g]);
    }
    domm_door_close(destination->door);
    domm_state_free(&destination->state);
    domm_blob_free(&destination->record);
}
