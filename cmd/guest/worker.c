/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/guest/worker.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "cmd/guest/clock.h"
#include "cmd/guest/mounter.h"

#define STACK_BYTES (128u << 10)

#define MIN_INTERVAL_MS 1000
#define MAX_INTERVAL_MS 10000

/* An end that is told before the eventfd is written to might free the worker too early: `ended` is
 * the last that the thread touches, under the lock, and the eventfd is written to before. */
struct worker {
    struct domm_storage storage;
    char path[ANSWER_PATH];
    int notify;
    bool mounted;         /* the thread's own */
    int64_t began_ms;     /* the thread's own: when this look began */
    int64_t refreshed_ms; /* the thread's own: when the one began that last dropped caches */

    pthread_mutex_t lock; /* of all below */
    pthread_cond_t wake;
    bool stop, ended;
    uint64_t asked, looked; /* numbers of looks: the last wanted, the last done */
    int64_t since_ms;       /* when the look that is under way began; 0 if none is */
    bool ok;
    int64_t good_ms; /* when the last look that was good began; 0 if none was */
    char error[ANSWER_ERROR];
};

static int64_t interval_ms(const struct worker *worker)
{
    int64_t half = (int64_t)worker->storage.max_age * 500;
    if (half > MAX_INTERVAL_MS)
        return MAX_INTERVAL_MS;
    return half < MIN_INTERVAL_MS ? MIN_INTERVAL_MS : half;
}

/* Half of max_age, so that a change is seen by then though the caches fill again at once. */
static int refresh(struct worker *worker, struct domm_error *err)
{
    if (worker->began_ms - worker->refreshed_ms < (int64_t)worker->storage.max_age * 500)
        return 0;
    worker->refreshed_ms = worker->began_ms;
    return refresh_storage(&worker->storage, err);
}

static int look(struct worker *worker, struct domm_error *err)
{
    int rc = 0;
    if (!worker->mounted) {
        unmount_storage(worker->path);
        rc = mount_storage(&worker->storage, worker->path, err);
    }
    worker->mounted = rc == 0;
    rc = rc ? rc : refresh(worker, err);
    rc = rc ? rc : probe_storage(&worker->storage, worker->path, err);
    if (rc == -DOMM_NOT_FOUND)
        worker->mounted = false;
    return rc;
}

static void wait_for_turn(struct worker *worker, int64_t until_ms)
{
    struct timespec until = {until_ms / 1000, until_ms % 1000 * 1000000};
    int rc = 0;
    while (!rc && !worker->stop && worker->asked == worker->looked)
        rc = pthread_cond_timedwait(&worker->wake, &worker->lock, &until);
}

/* Called and returns with the lock held. */
static void take_turn(struct worker *worker)
{
    struct domm_error err = {.text = ""};
    int64_t began = worker->began_ms = now_ms();
    uint64_t number = worker->asked;
    worker->since_ms = began;
    pthread_mutex_unlock(&worker->lock);
    int rc = look(worker, &err);
    pthread_mutex_lock(&worker->lock);
    worker->since_ms = 0;
    worker->looked = number;
    worker->ok = rc == 0;
    if (!rc)
        worker->good_ms = began;
    snprintf(worker->error, sizeof(worker->error), "%.*s", ANSWER_ERROR - 1, rc ? err.text : "");
    eventfd_write(worker->notify, 1);
    wait_for_turn(worker, began + interval_ms(worker));
}

static void *run(void *argument)
{
    struct worker *worker = argument;
    pthread_mutex_lock(&worker->lock);
    while (!worker->stop)
        take_turn(worker);
    pthread_mutex_unlock(&worker->lock);
    unmount_storage(worker->path);
    pthread_mutex_lock(&worker->lock);
    eventfd_write(worker->notify, 1);
    worker->ended = true;
    pthread_mutex_unlock(&worker->lock);
    return NULL;
}

static int start_thread(struct worker *worker)
{
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    int rc = pthread_create(&thread, &attributes, run, worker);
    pthread_attr_destroy(&attributes);
    return rc;
}

struct worker *worker_start(const struct domm_storage *storage, const char *path, int notify)
{
    struct worker *worker = calloc(1, sizeof(*worker));
    if (!worker)
        return NULL;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&worker->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&worker->lock, NULL);
    worker->storage = *storage;
    worker->notify = notify;
    worker->asked = 1;
    snprintf(worker->path, sizeof(worker->path), "%s", path);
    if (start_thread(worker)) {
        worker_free(worker);
        return NULL;
    }
    return worker;
}

uint64_t worker_ask(struct worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    uint64_t number = ++worker->asked;
    pthread_cond_signal(&worker->wake);
    pthread_mutex_unlock(&worker->lock);
    return number;
}

bool worker_has_looked(struct worker *worker, uint64_t number)
{
    pthread_mutex_lock(&worker->lock);
    bool looked = worker->looked >= number;
    pthread_mutex_unlock(&worker->lock);
    return looked;
}

void worker_tell(struct worker *worker, uint64_t number, struct answer_storage *answer_r)
{
    int64_t now = now_ms();
    pthread_mutex_lock(&worker->lock);
    bool looked = worker->looked >= number;
    answer_r->ok = worker->ok && looked;
    answer_r->age_s = worker->good_ms ? (now - worker->good_ms) / 1000 : ANSWER_NEVER;
    snprintf(answer_r->error, sizeof(answer_r->error), "%s", worker->error);
    if (!looked)
        snprintf(answer_r->error, sizeof(answer_r->error), "no answer for %d s%s%.*s",
                 worker->since_ms ? (int)((now - worker->since_ms) / 1000) : 0,
                 worker->error[0] ? "; before: " : "", ANSWER_ERROR / 2, worker->error);
    snprintf(answer_r->path, sizeof(answer_r->path), "%s", worker->path);
    pthread_mutex_unlock(&worker->lock);
}

void worker_stop(struct worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    worker->stop = true;
    pthread_cond_signal(&worker->wake);
    pthread_mutex_unlock(&worker->lock);
}

bool worker_has_ended(struct worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    bool ended = worker->ended;
    pthread_mutex_unlock(&worker->lock);
    return ended;
}

void worker_free(struct worker *worker)
{
    pthread_cond_destroy(&worker->wake);
    pthread_mutex_destroy(&worker->lock);
    free(worker);
}
