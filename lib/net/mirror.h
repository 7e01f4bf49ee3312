/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The port mirror: tc filters in dom0 (tc_filter.h) copy every packet that a target sends or
 * receives through one of its vifs to a vif of its monitor, the monitor vif.
 *
 * The monitor vif carries no packets from the monitor: it is on no bridge, and a filter, the guard,
 * drops all packets that arrive through it. The vif is set up only after the guard is added, and
 * set down before the guard is removed. Several target vifs may share a monitor vif; a target vif
 * has one monitor vif.
 *
 * The kernel's state is the truth, and nothing is remembered here: each call reads the state anew,
 * and may be repeated. Devices are given by ifindex, so that a name which another device gets
 * meanwhile does no harm.
 */
#ifndef DOMM_NET_MIRROR_H
#define DOMM_NET_MIRROR_H

#include "lib/net/link.h"
#include "lib/net/tc.h"

/*
 * Guards the monitor vif, sets it up and mirrors the selected packets of both directions of the
 * target vif to it: all of this, or nothing on failure. Correct filters stay; wrong and missing
 * ones are repaired. An empty clsact qdisc may be left if filters of the target vif were being
 * repaired.
 *
 * DOMM_REFUSED, before anything is changed, if the devices are the same, the monitor vif is on a
 * bridge, the target vif is mirrored elsewhere or other packets of it are, or a qdisc or filter of
 * another program is in the way. DOMM_NOT_FOUND if a device does not exist. DOMM_OUTCOME_UNKNOWN if
 * the undoing failed as well.
 */
int domm_mirror_install(struct nl_sock *sock, int target, int monitor,
                        const struct domm_selection *selection, struct domm_error *err);

/* Removes the mirror from the target vif: our filters, and the clsact qdisc if it was made for them
 * and is not used otherwise. It is fine if nothing, or no device, is there. */
int domm_mirror_remove(struct nl_sock *sock, int target, struct domm_error *err);

/* Sets the monitor vif down and removes its guard, as domm_mirror_remove does. Call it only after
 * the mirrors of all targets to it are removed. The root qdisc that the kernel gave the device when
 * it was first set up stays. */
int domm_mirror_unguard(struct nl_sock *sock, int monitor, struct domm_error *err);

/* The present state. An absent filter has .ours false. */
struct domm_mirror_state {
    struct domm_link target, monitor;
    struct domm_selection selection; /* what the mirror shall copy */
    struct domm_tc_filter sent;      /* packets that the target sends: at the ingress of its vif */
    struct domm_tc_filter received;  /* packets that it receives: at the egress */
    struct domm_tc_filter guard;     /* packets that the monitor tried to send */
    /* Filters of other programs, which may keep packets from these, or from the monitor: their
     * verdicts are not known, so that there are any is what counts. */
    size_t before_sent, before_received, before_guard, before_monitor;
    /* By the qdisc in front of the monitor vif. One that it refuses at once
     * is counted by the filter, too.
     */
    uint64_t dropped_in_queue;
};

/* Packets for the monitor that its vif dropped, or the qdisc in front of it. */
static inline uint64_t domm_mirror_dropped(const struct domm_mirror_state *state)
{
    return state->monitor.dropped + state->dropped_in_queue;
}

/* Reads devices, filters and counters. DOMM_NOT_FOUND if a device is not there. */
int domm_mirror_measure(struct nl_sock *sock, int target, int monitor,
                        const struct domm_selection *selection, struct domm_mirror_state *state_r,
                        struct domm_error *err);

/* Whether the filter is a mirror to that device, and copies what is selected. */
bool domm_mirror_copies(const struct domm_tc_filter *filter, int monitor,
                        const struct domm_selection *selection);

/* Whether all filters are in place and the monitor vif is up. */
bool domm_mirror_is_whole(const struct domm_mirror_state *state);

#define DOMM_MIRROR_PROBLEM 160 /* bytes, with the terminator */

/* Whether the monitor misses packets or could send some; if so, the gravest reason. */
bool domm_mirror_problem(const struct domm_mirror_state *state, char text_r[DOMM_MIRROR_PROBLEM]);

#endif
