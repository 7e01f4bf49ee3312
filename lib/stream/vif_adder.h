/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A child of a receiver, which makes the vifs of the guest while the receiver restores it
 * (lib/xen/restore_vifs.h): libxl's restore returns only at the end of the stream.
 */
#ifndef DOMM_STREAM_VIF_ADDER_H
#define DOMM_STREAM_VIF_ADDER_H

#include "lib/base/log.h"
#include "lib/stream/child.h"

struct domm_vif_adder {
    struct domm_log *log;
    const char *json; /* the guest's configuration */
    const char *name; /* of the domain that is restored */
};

/*
 * Starts the process. receiver_control is the receiver's own DOMM_CHILD_CONTROL: a failure is told
 * there at once, as the receiver's, since the receiver itself hears of it only when libxl returns.
 */
int domm_vif_adder_start(const struct domm_vif_adder *adder, int receiver_control,
                         struct domm_child *child_r, struct domm_error *err);

/* Waits until it has added all, or failed. */
int domm_vif_adder_await(struct domm_child *child, struct domm_error *err);

/* Has it give up. A script that runs may end first: libxl gives it 40 s. */
void domm_vif_adder_end(struct domm_child *child);

#endif
