/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The thread that carries out the steps of a migration, one at a time, so that heartbeats and
 * messages go on while a step waits for a guest or for libxl.
 */
#ifndef DOMM_MIGRATE_WORKER_H
#define DOMM_MIGRATE_WORKER_H

#include <stdbool.h>

#include "lib/base/error.h"
#include "lib/migrate/fsm/step.h"

enum domm_job_kind {
    DOMM_JOB_RUN,
    DOMM_JOB_UNDO,
    DOMM_JOB_LOOK, /* check of readiness; step and guest are unused */
};

struct domm_job {
    enum domm_job_kind kind;
    enum domm_step step;
    unsigned int guest;
    int rc; /* the result, with err */
    struct domm_error err;
};

/* In the worker's thread: 0 or -code. */
typedef int (*domm_work)(void *context, const struct domm_job *job, struct domm_error *err);

struct domm_worker;

/* Starts the thread, which calls `work` for each job. domm_worker_stop ends it. */
int domm_worker_start(domm_work work, void *context, struct domm_worker **worker_r,
                      struct domm_error *err);

/* Waits until the job in hand is done. Null is fine. */
void domm_worker_stop(struct domm_worker *worker);

/* Readable when a job is done. */
int domm_worker_fd(const struct domm_worker *worker);

/* Only while no job is in hand. */
void domm_worker_give(struct domm_worker *worker, const struct domm_job *job);

/* The finished job, if there is one. */
bool domm_worker_take(struct domm_worker *worker, struct domm_job *job_r);

#endif
