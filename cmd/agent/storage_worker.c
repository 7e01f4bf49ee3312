/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/agent/storage_worker.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "cmd/agent/mounter.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"

#define STACK_BYTES (256u << 10) /* the resolver wants some */

#define MIN_INTERVAL_MS 1000
#define MAX_INTERVAL_MS 10000
#define RIGHTS_MS 60000 /* between two trials of root's rights, which ask the server more */

/* The loop frees the worker once `ended` is set. So the thread sets `ended` last, under the lock,
 * after it has written to the eventfd. */
struct storage_worker {
    struct domm_storage storage;
    char path[ANSWER_PATH];
    int notify;
    bool mounted;      /* the thread's own */
    int64_t began_ms;  /* the thread's own: when this check began */
    int64_t rights_ms; /* the thread's own: when the check began that last tried root's rights */
    char lack[ANSWER_ERROR]; /* the thread's own: what cannot be read although it is mounted */
    int64_t refreshed_ms;    /* the thread's own: when the check began that last dropped caches */

    pthread_mutex_t lock; /* of all below */
    pthread_cond_t wake;
    bool stop, ended, resting;
    uint64_t asked, looked; /* numbers of checks: the last requested, the last done */
    int64_t since_ms;       /* when the running check began; 0 if none runs */
    bool ok;
    int64_t good_ms; /* when the last successful check began; 0 if none was */
    char error[ANSWER_ERROR];
};

static int64_t interval_ms(const struct storage_worker *worker)
{
    int64_t half = (int64_t)worker->storage.max_age * 500;
    if (half > MAX_INTERVAL_MS)
        return MAX_INTERVAL_MS;
    return half < MIN_INTERVAL_MS ? MIN_INTERVAL_MS : half;
}

/* Drops caches every max_age / 2: they fill again at once, and a change must be seen within
 * max_age. */
static int refresh(struct storage_worker *worker, struct domm_error *err)
{
    if (worker->began_ms - worker->refreshed_ms < (int64_t)worker->storage.max_age * 500)
        return 0;
    worker->refreshed_ms = worker->began_ms;
    return refresh_storage(&worker->storage, err);
}

static void try_rights(struct storage_worker *worker)
{
    if (worker->storage.kind != DOMM_STORAGE_NFS ||
        (worker->rights_ms && worker->began_ms - worker->rights_ms < RIGHTS_MS))
        return;
    cleanup_free char *entry = NULL;
    bool may = probe_root_may_read(worker->path, &entry);
    worker->rights_ms = worker->began_ms;
    worker->lack[0] = '\0';
    if (!may)
        snprintf(worker->lack, sizeof(worker->lack),
                 "root may not read %.32s: the server takes root for another user (root_squash)",
                 entry ? entry : "it");
}

static int mount_and_probe(struct storage_worker *worker, struct domm_error *err)
{
    int rc;
    if (!worker->mounted) {
        unmount_storage(worker->path);
        rc = mount_storage(&worker->storage, worker->path, err);
        if (rc)
            return rc;
        worker->mounted = true;
        worker->rights_ms = 0;
    }
    rc = refresh(worker, err);
    if (rc)
        return rc;
    rc = probe_storage(&worker->storage, worker->path, err);
    if (rc)
        return rc;
    try_rights(worker);
    return 0;
}

static int worker_look(struct storage_worker *worker, struct domm_error *err)
{
    int rc = mount_and_probe(worker, err);
    if (rc == -DOMM_NOT_FOUND)
        worker->mounted = false;
    return rc;
}

static void wait_for_turn(struct storage_worker *worker, int64_t until_ms)
{
    struct timespec until = {until_ms / 1000, until_ms % 1000 * 1000000};
    int rc = 0;
    while (!rc && !worker->stop && worker->asked == worker->looked)
        rc = pthread_cond_timedwait(&worker->wake, &worker->lock, &until);
}

static void wait_while_resting(struct storage_worker *worker)
{
    while (worker->resting && !worker->stop)
        pthread_cond_wait(&worker->wake, &worker->lock);
}

/* Called and returns with the lock held. */
static void take_turn(struct storage_worker *worker)
{
    struct domm_error err = {.text = ""};
    int64_t began = worker->began_ms = domm_now_ms();
    uint64_t number = worker->asked;
    worker->since_ms = began;
    pthread_mutex_unlock(&worker->lock);
    int rc = worker_look(worker, &err);
    pthread_mutex_lock(&worker->lock);
    worker->since_ms = 0;
    worker->looked = number;
    worker->ok = rc == 0;
    if (!rc)
        worker->good_ms = began;
    snprintf(worker->error, sizeof(worker->error), "%.*s", ANSWER_ERROR - 1,
             rc ? err.text : worker->lack);
    eventfd_write(worker->notify, 1);
    wait_for_turn(worker, began + interval_ms(worker));
}

static void *worker_run(void *argument)
{
    struct storage_worker *worker = argument;
    pthread_mutex_lock(&worker->lock);
    while (!worker->stop) {
        wait_while_resting(worker);
        if (!worker->stop)
            take_turn(worker);
    }
    pthread_mutex_unlock(&worker->lock);
    unmount_storage(worker->path);
    pthread_mutex_lock(&worker->lock);
    eventfd_write(worker->notify, 1);
    worker->ended = true;
    pthread_mutex_unlock(&worker->lock);
    return NULL;
}

static int start_thread(struct storage_worker *worker)
{
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    int rc = pthread_create(&thread, &attributes, worker_run, worker);
    pthread_attr_destroy(&attributes);
    return rc;
}

struct storage_worker *storage_worker_start(const struct domm_storage *storage, const char *path,
                                            int notify)
{
    struct storage_worker *worker = calloc(1, sizeof(*worker));
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
        storage_worker_free(worker);
        return NULL;
    }
    return worker;
}

uint64_t storage_worker_ask(struct storage_worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    uint64_t number = ++worker->asked;
    pthread_cond_signal(&worker->wake);
    pthread_mutex_unlock(&worker->lock);
    return number;
}

bool storage_worker_has_looked(struct storage_worker *worker, uint64_t number)
{
    pthread_mutex_lock(&worker->lock);
    bool looked = worker->looked >= number;
    pthread_mutex_unlock(&worker->lock);
    return looked;
}

void storage_worker_report(struct storage_worker *worker, uint64_t number,
                           struct answer_storage *answer_r)
{
    int64_t now = domm_now_ms();
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

void storage_worker_rest(struct storage_worker *worker, bool rest)
{
    pthread_mutex_lock(&worker->lock);
    worker->resting = rest;
    pthread_cond_signal(&worker->wake);
    pthread_mutex_unlock(&worker->lock);
}

bool storage_worker_is_looking(struct storage_worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    bool looking = worker->since_ms != 0;
    pthread_mutex_unlock(&worker->lock);
    return looking;
}

void storage_worker_stop(struct storage_worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    worker->stop = true;
    pthread_cond_signal(&worker->wake);
    pthread_mutex_unlock(&worker->lock);
}

bool storage_worker_has_ended(struct storage_worker *worker)
{
    pthread_mutex_lock(&worker->lock);
    bool ended = worker->ended;
    pthread_mutex_unlock(&worker->lock);
    return ended;
}

void storage_worker_free(struct storage_worker *worker)
{
    pthread_cond_destroy(&worker->wake);
    pthread_mutex_destroy(&worker->lock);
    free(worker);
}
