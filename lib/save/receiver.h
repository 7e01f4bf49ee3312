/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The receiver of one guest: a child process that builds it from its stream, as NAME--incoming. It
 * reports RESTORED, with the domid; then the guest is whole with its page tables, and paused: this
 * is when a mapping state is written into it. A receiver that is killed leaves behind what it has
 * built; one whose stream ends early destroys it.
 */
#ifndef DOMM_SAVE_RECEIVER_H
#define DOMM_SAVE_RECEIVER_H

#include "lib/base/log.h"
#include "lib/save/child.h"

struct domm_receiver {
    struct domm_log *log;
    const char *json; /* the guest's configuration: domm_xen_configuration at the source */
    const char *name; /* its proper one */
};

int domm_receiver_start(struct domm_xen *xen, const struct domm_receiver *receiver, int stream,
                        struct domm_child *child_r, struct domm_error *err);

#endif
