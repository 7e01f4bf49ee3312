/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Whether the mirrors have delivered the last packets of the stopped targets to the monitor, judged
 * by a balance of packets. Pure.
 *
 * The stopped targets send no packets. Their last packets wait in queues of dom0 that lead to the
 * monitor, whose kernel still runs and takes them. Packets from others to a target come as ever,
 * and are mirrored. The balance is the number of packets that have left the queues less the number
 * of those that others have sent; it rises by each old packet that leaves a queue. All have arrived
 * when it has not changed for DOMM_DRAIN_QUIET_MS: what has left the queues meanwhile is as much as
 * has come, and the old packets were ahead. A single balance proves nothing, since packets in
 * queues are not counted in the same units; for the same reason segmented packets from others can
 * change it without end, so the time is bounded. Other work in this time, such as freezing the
 * monitor's programs, counts as waiting. The programs need not run: packets in a socket are
 * migrated with the monitor.
 */
#ifndef DOMM_MIGRATE_DRAIN_H
#define DOMM_MIGRATE_DRAIN_H

#include <stdint.h>

#define DOMM_DRAIN_QUIET_MS 50
#define DOMM_DRAIN_LIMIT_MS 2000

struct domm_drain {
    uint64_t balance;
    int64_t began_ms, since_ms; /* CLOCK_MONOTONIC; since when the balance is the same */
};

/* The first balance, once the targets have stopped. */
void domm_drain_begin(struct domm_drain *drain_r, uint64_t balance, int64_t now_ms);

/* A later balance. Returns after how many ms to count again; 0 if all has arrived, or the time is
 * up.
 */
int64_t domm_drain_count(struct domm_drain *drain, uint64_t balance, int64_t now_ms);

#endif
