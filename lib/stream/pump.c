/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/stream/pump.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/cleanup.h"

#define PIPE_BYTES (1 << 20) /* the largest size that a default kernel allows */

struct domm_pump {
    struct domm_stream_filter *filter;
    pthread_t thread;
    int input, output; /* the pipe's ends; the thread owns input */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* Under the lock. */
    bool at_pages, ended;
    int rc;
    struct domm_error err;
};

static void pump_note(struct domm_pump *pump, bool ended, int rc, const struct domm_error *err)
{
    pthread_mutex_lock(&pump->lock);
    pump->at_pages = domm_stream_filter_at_pages(pump->filter);
    pump->ended = ended;
    pump->rc = rc;
    if (rc)
        pump->err = *err;
    pthread_cond_broadcast(&pump->changed);
    pthread_mutex_unlock(&pump->lock);
}

static int feed(struct domm_pump *pump, unsigned char *buffer, bool *end_r, struct domm_error *err)
{
    ssize_t size = read(pump->input, buffer, PIPE_BYTES);
    if (size < 0 && errno == EINTR)
        return 0;
    if (size < 0)
        return domm_fail_errno(err, DOMM_FAILED, errno, "reading what libxenguest writes");
    *end_r = size == 0;
    return domm_stream_filter_feed(pump->filter, buffer, (size_t)size, err);
}

/* The input is closed on failure, so that libxenguest's write fails as well. */
static void *pump_run(void *context)
{
    struct domm_pump *pump = context;
    struct domm_error err = {0};
    bool end = false;
    cleanup_free unsigned char *buffer = malloc(PIPE_BYTES);
    int rc = buffer ? 0 : domm_no_memory(&err);
    while (!rc && !end) {
        rc = feed(pump, buffer, &end, &err);
        if (!rc)
            pump_note(pump, false, 0, NULL);
    }
    close(pump->input);
    pump_note(pump, true, rc, &err);
    return NULL;
}

int domm_pump_start(struct domm_stream_filter *filter, struct domm_pump **pump_r,
                    struct domm_error *err)
{
    int ends[2];
    struct domm_pump *pump = calloc(1, sizeof(*pump));
    if (!pump)
        return domm_no_memory(err);
    if (pipe2(ends, O_CLOEXEC)) {
        free(pump);
        return domm_fail_errno(err, DOMM_FAILED, errno, "creating a pipe");
    }
    (void)fcntl(ends[1], F_SETPIPE_SZ, PIPE_BYTES); /* a smaller one is only slower */
    *pump = (struct domm_pump){.filter = filter, .input = ends[0], .output = ends[1]};
    pthread_mutex_init(&pump->lock, NULL);
    pthread_cond_init(&pump->changed, NULL);
    int error = pthread_create(&pump->thread, NULL, pump_run, pump);
    if (error) {
        close(ends[0]);
        close(ends[1]);
        free(pump);
        return domm_fail_errno(err, DOMM_FAILED, error, "starting a thread");
    }
    *pump_r = pump;
    return 0;
}

int domm_pump_fd(const struct domm_pump *pump)
{
    return pump->output;
}

int domm_pump_await(struct domm_pump *pump, struct domm_error *err)
{
    pthread_mutex_lock(&pump->lock);
    while (!pump->at_pages && !pump->ended)
        pthread_cond_wait(&pump->changed, &pump->lock);
    int rc = pump->rc;
    if (rc)
        *err = pump->err;
    else if (!pump->at_pages)
        rc = domm_fail(err, DOMM_FAILED, "libxenguest wrote no p2m");
    pthread_mutex_unlock(&pump->lock);
    return rc;
}

int domm_pump_finish(struct domm_pump *pump, struct domm_error *err)
{
    close(pump->output);
    pthread_join(pump->thread, NULL);
    int rc = pump->rc;
    if (rc)
        *err = pump->err;
    pthread_cond_destroy(&pump->changed);
    pthread_mutex_destroy(&pump->lock);
    free(pump);
    return rc;
}
