/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The receiver of one guest: a child process that restores the guest from its stream, as
 * NAME--incoming. A child of its own makes the guest's vifs meanwhile (vif_adder.h), and ends with
 * it. The receiver reports RESTORED with the domid once the guest is complete, with its page tables
 * and vifs, and paused: now a mapping state can be written into it. A receiver that is killed, or
 * whose vifs fail, leaves its domain behind; one whose stream ends early destroys it.
 */
#ifndef DOMM_STREAM_RECEIVER_H
#define DOMM_STREAM_RECEIVER_H

#include "lib/base/log.h"
#include "lib/stream/child.h"

struct domm_receiver {
    struct domm_log *log;
    const char *json; /* the guest's configuration: domm_xen_configuration at the source */
    const char *name; /* the guest's proper name */
};

/* Starts the process, which reads the guest's stream from `stream`. */
int domm_receiver_start(struct domm_xen *xen, const struct domm_receiver *receiver, int stream,
                        struct domm_child *child_r, struct domm_error *err);

#endif
