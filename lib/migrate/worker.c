/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/migrate/worker.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum stage { IDLE, GIVEN, DONE };

struct domm_worker {
    domm_work work;
    void *context;
    pthread_t thread;
    int fd;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* Under the lock. */
    enum stage stage;
    bool stopping;
    struct domm_job job;
};

static void *step_worker_run(void *context)
{
    struct domm_worker *worker = context;
    pthread_mutex_lock(&worker->lock);
    for (;;) {
        while (worker->stage != GIVEN && !worker->stopping)
            pthread_cond_wait(&worker->changed, &worker->lock);
        if (worker->stage != GIVEN)
            break;
        struct domm_job job = worker->job;
        pthread_mutex_unlock(&worker->lock);
        job.rc = worker->work(worker->context, &job, &job.err);
        pthread_mutex_lock(&worker->lock);
        worker->job = job;
        worker->stage = DONE;
        eventfd_write(worker->fd, 1);
    }
    pthread_mutex_unlock(&worker->lock);
    return NULL;
}

int domm_worker_start(domm_work work, void *context, struct domm_worker **worker_r,
                      struct domm_error *err)
{
    struct domm_worker *worker = calloc(1, sizeof(*worker));
    if (!worker)
        return domm_no_memory(err);
    worker->work = work;
    worker->context = context;
    worker->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&worker->lock, NULL);
    pthread_cond_init(&worker->changed, NULL);
    int reason =
        worker->fd < 0 ? errno : pthread_create(&worker->thread, NULL, step_worker_run, worker);
    if (reason) {
        if (worker->fd >= 0)
            close(worker->fd);
        free(worker);
        return domm_fail_errno(err, DOMM_FAILED, reason, "starting a thread");
    }
    *worker_r = worker;
    return 0;
}

void domm_worker_stop(struct domm_worker *worker)
{
    if (!worker)
        return;
    pthread_mutex_lock(&worker->lock);
    worker->stopping = true;
    pthread_cond_signal(&worker->changed);
    pthread_mutex_unlock(&worker->lock);
    pthread_join(worker->thread, NULL);
    pthread_cond_destroy(&worker->changed);
    pthread_mutex_destroy(&worker->lock);
    close(worker->fd);
    free(worker);
}

int domm_worker_fd(const struct domm_worker *worker)
{
    return worker->fd;
}

void domm_worker_give(struct domm_worker *worker, const struct domm_job *job)
{
    pthread_mutex_lock(&worker->lock);
    assert(worker->stage == IDLE);
    worker->job = *job;
    worker->stage = GIVEN;
    pthread_cond_signal(&worker->changed);
    pthread_mutex_unlock(&worker->lock);
}

bool domm_worker_take(struct domm_worker *worker, struct domm_job *job_r)
{
    uint64_t ignored;
    pthread_mutex_lock(&worker->lock);
    bool done = worker->stage == DONE;
    if (done) {
        *job_r = worker->job;
        worker->stage = IDLE;
        (void)eventfd_read(worker->fd, &ignored);
    }
    pthread_mutex_unlock(&worker->lock);
    return done;
}
