/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One storage, with a thread that mounts it, checks it at intervals, and unmounts it. Only the
 * thread can block; the calls below never do.
 */
#ifndef DOMM_AGENT_STORAGE_WORKER_H
#define DOMM_AGENT_STORAGE_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/agent/answer.h"
#include "lib/pair/record.h"

struct storage_worker;

/* The path has at most ANSWER_PATH bytes. The thread writes to the eventfd notify after each check
 * and at its end. Returns null if memory runs out. */
struct storage_worker *storage_worker_start(const struct domm_storage *storage, const char *path,
                                            int notify);

/* Requests a check that begins after this call. Returns its number. */
uint64_t storage_worker_ask(struct storage_worker *worker);

/* Whether that check is done. */
bool storage_worker_has_looked(struct storage_worker *worker, uint64_t number);

/* The result of the last check; ok only if that has this number or a later one. */
void storage_worker_report(struct storage_worker *worker, uint64_t number,
                           struct answer_storage *answer_r);

/* While it rests the thread begins no check: a request that is under way when the guest is
 * suspended is answered only after its connection has been made anew, seconds after the guest runs
 * again. */
void storage_worker_rest(struct storage_worker *worker, bool rest);

/* Whether a check is under way. */
bool storage_worker_is_looking(struct storage_worker *worker);

/* Makes the thread unmount and end as soon as possible. */
void storage_worker_stop(struct storage_worker *worker);
bool storage_worker_has_ended(struct storage_worker *worker);

/* Call it only after the thread has ended. */
void storage_worker_free(struct storage_worker *worker);

#endif
