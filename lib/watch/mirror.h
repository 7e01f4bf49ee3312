/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The port mirror: every packet a target sends or receives through one of its vifs is copied to
 * a vif of its domM, the monitor vif, by tc filters in dom0 (filter.h says which).
 *
 * The monitor vif carries nothing from domM: it is on no bridge, is set up only once a filter,
 * the guard, drops whatever comes in by it, and set down before the guard goes. Several target
 * vifs may share a monitor vif; a target vif has one monitor vif.
 *
 * The kernel's state is the truth, nothing is remembered here: each call reads it anew, and may
 * be repeated. Devices are given by ifindex, so that a name which another device gets meanwhile
 * leads nowhere.
 */
#ifndef DOMM_WATCH_MIRROR_H
#define DOMM_WATCH_MIRROR_H

#include "lib/watch/link.h"
#include "lib/watch/tc.h"

/*
 * Guards the monitor vif, sets it up and mirrors both directions of the target vif to it: all of
 * this, or on failure none. What is there already stays, what is wrong or missing is mended. An
 * empty clsact qdisc may be left if the target vif's filters were being mended.
 *
 * DOMM_REFUSED, before anything is changed, if the devices are the same, the monitor vif is on a
 * bridge, the target vif is mirrored elsewhere, or somebody else's qdisc or filter is in the way.
 * DOMM_NOT_FOUND if a device is not there. DOMM_OUTCOME_UNKNOWN if the undoing failed as well.
 */
int domm_mirror_install(struct nl_sock *sock, int target, int monitor, struct domm_error *err);

/* Takes the mirror away from the target vif: our filters, and the clsact qdisc if it was made for
 * them and nobody else uses it. That nothing, or no device, is there is fine. */
int domm_mirror_remove(struct nl_sock *sock, int target, struct domm_error *err);

/* Sets the monitor vif down and takes its guard away, as domm_mirror_remove does. Only after the
 * mirrors of all targets to it are removed. The root qdisc that the kernel gave it when it was
 * first set up stays. */
int domm_mirror_unguard(struct nl_sock *sock, int monitor, struct domm_error *err);

/* What is there now. A filter that is not there has .ours false. */
struct domm_mirror_state {
    struct domm_link target, monitor;
    struct domm_filter sent;     /* what the target sends: at the ingress of its vif */
    struct domm_filter received; /* what it receives: at the egress */
    struct domm_filter guard;    /* what domM tried to send */
};

int domm_mirror_measure(struct nl_sock *sock, int target, int monitor,
                        struct domm_mirror_state *state_r, struct domm_error *err);

#define DOMM_MIRROR_PROBLEM 160 /* bytes, with the terminator */

/* Whether domM misses packets or could send some, and if so, the gravest reason. */
bool domm_mirror_problem(const struct domm_mirror_state *state, char text_r[DOMM_MIRROR_PROBLEM]);

#endif
