/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One storage, with a thread that mounts it, looks at it every now and then, and unmounts it. All
 * that may hang hangs there; the calls below never wait.
 */
#ifndef DOMM_GUEST_WORKER_H
#define DOMM_GUEST_WORKER_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/guest/answer.h"
#include "lib/pair/record.h"

struct worker;

/* The path is at most ANSWER_PATH bytes. After a look, and at its end, it writes to the eventfd
 * notify. Returns null when there is no memory for it. */
struct worker *worker_start(const struct domm_storage *storage, const char *path, int notify);

/* Wants a look that begins from now on. Returns its number. */
uint64_t worker_ask(struct worker *worker);

/* Whether that look is over. */
bool worker_has_looked(struct worker *worker, uint64_t number);

/* What the last look has found; ok only if it is the one of that number, or a later one. */
void worker_tell(struct worker *worker, uint64_t number, struct answer_storage *answer_r);

/* Makes it unmount and end, as soon as it can. */
void worker_stop(struct worker *worker);
bool worker_has_ended(struct worker *worker);

/* Only after its end. */
void worker_free(struct worker *worker);

#endif
