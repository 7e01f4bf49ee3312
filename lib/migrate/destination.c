/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/migrate/destination.h"

#include <errno.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "lib/migrate/destination_internal.h"
#include "lib/migrate/loop.h"

int domm_destination_open(struct domm_destination *destination_r, struct domm_log *log,
                          struct domm_error *err)
{
    memset(destination_r, 0, sizeof(*destination_r));
    destination_r->session.ops = &domm_destination_ops;
    for (unsigned int g = 0; g < DOMM_MAX_GUESTS; g++)
        destination_r->streams[g] = -1;
    return domm_session_open(&destination_r->session, log, err);
}

int domm_destination_run(struct domm_destination *destination, int in, int out,
                         const sigset_t *signals, struct domm_error *err)
{
    struct domm_session *session = &destination->session;
    /* The offer tells the number of targets. */
    const struct domm_migration_setup setup = {.n_targets = 1};
    session->signals = signalfd(-1, signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (session->signals < 0)
        return domm_fail_errno(err, DOMM_FAILED, errno, "listening for signals");
    int rc = domm_control_link_begin(&session->link, false, in, out, err);
    if (rc)
        return rc;
    return domm_session_run(session, &setup, err);
}

void domm_destination_close(struct domm_destination *destination)
{
    domm_session_close(&destination->session);
    for (unsigned int g = 0; g < DOMM_MAX_GUESTS; g++) {
        if (destination->streams[g] >= 0)
            close(destination->streams[g]);
    }
    domm_acceptor_close(destination->acceptor);
    domm_mapping_state_free(&destination->state);
    domm_chunks_free(&destination->record);
}
