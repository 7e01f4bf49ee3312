/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/stream/saver.h"

#include <inttypes.h>
#include <stdio.h>

#include "lib/base/clock.h"
#include "lib/base/privileges.h"
#include "lib/stream/compare.h"
#include "lib/stream/pace.h"
#include "lib/stream/policy.h"
#include "lib/stream/pump.h"
#include "lib/xen/save.h"
#include "lib/xen/suspend.h"

struct saver_work {
    const struct domm_saver *saver;
    int control;
    struct domm_xen *xen;
    struct domm_hv *hv;
    struct domm_sink sink;
    struct domm_policy policy;
    struct domm_progress progress; /* the latest progress, with its sums */
    bool may_stop;
    struct domm_pace pace;
    uint64_t started_ns; /* start of the round, or of the final copy */
    uint64_t sent_pages; /* before the round */
    /* Used by DOMM_SAVER_COMPARED. */
    struct domm_compare compare;
    struct domm_pump *pump;
    /* The error of a hook that made libxenguest fail. */
    int rc;
    struct domm_error err;
};

/* Bytes written by this process: nearly all of them by libxenguest, apart from log lines and
 * messages. */
static uint64_t written_bytes(void)
{
    uint64_t bytes = 0;
    FILE *stream = fopen("/proc/self/io", "re");
    if (!stream)
        return 0;
    char line[64];
    while (fgets(line, sizeof(line), stream) && sscanf(line, "wchar: %" SCNu64, &bytes) != 1)
        ;
    fclose(stream);
    return bytes;
}

static int saver_report(struct saver_work *work, enum domm_progress_kind kind, uint64_t took_ns,
                        struct domm_error *err)
{
    work->progress.kind = kind;
    work->progress.took_ns = took_ns;
    work->progress.bytes =
        work->saver->way == DOMM_SAVER_TRACKED ? written_bytes() : work->sink.bytes;
    return domm_child_report(work->control, &work->progress, err);
}

/* Waits for a command until the timeout. */
static int listen(struct saver_work *work, int timeout_ms, struct domm_error *err)
{
    switch (domm_child_next_command(work->control, timeout_ms)) {
    case 0:
        return 0;
    case DOMM_COMMAND_STOP:
        work->may_stop = true;
        return 0;
    default:
        return domm_fail(err, DOMM_ABORTED, "the migration of domain %u was given up",
                         work->saver->domid);
    }
}

/* The final copy of a guest whose writes are tracked sends what is dirty; the other looks at all
 * pages once more, as the round did. */
static void judge_round(struct saver_work *work, uint64_t dirty_pages, uint64_t sent_pages,
                        uint64_t took_ns)
{
    const struct domm_saver *saver = work->saver;
    domm_pace_take(&work->pace, sent_pages - work->sent_pages, took_ns);
    work->sent_pages = sent_pages;
    uint64_t pages = domm_pace_pages(&work->pace, saver->final_copy_ms);
    work->policy.enough = pages > saver->enough_pages ? pages : saver->enough_pages;
    domm_policy_count(&work->policy, dirty_pages);
    work->progress.rounds++;
    work->progress.dirty_pages = dirty_pages;
    work->progress.converged = work->policy.converged;
    work->progress.settled = work->policy.settled;
    work->progress.final_ns =
        saver->way == DOMM_SAVER_TRACKED ? domm_pace_time(&work->pace, dirty_pages) : took_ns + 1;
}

/* After each round of either way: reports it, and waits before the next one. sent_pages: in all
 * rounds. */
static int after_round(struct saver_work *work, uint64_t dirty_pages, uint64_t sent_pages,
                       struct domm_error *err)
{
    uint64_t took_ns = domm_now_ns() - work->started_ns;
    judge_round(work, dirty_pages, sent_pages, took_ns);
    int rc = saver_report(work, DOMM_PROGRESS_ROUND, took_ns, err);
    if (rc)
        return rc;
    rc = listen(work, work->may_stop ? 0 : domm_policy_pause(&work->policy, took_ns), err);
    work->started_ns = domm_now_ns();
    return rc;
}

static enum domm_precopy_verdict saver_on_precopy(void *context, const struct domm_precopy *precopy)
{
    struct saver_work *work = context;
    if (!precopy->counted || precopy->round == 0)
        work->rc = listen(work, 0, &work->err);
    else
        work->rc = after_round(work, precopy->dirty_pages, precopy->sent_pages, &work->err);
    if (work->rc)
        return DOMM_PRECOPY_ABORT;
    return work->may_stop && precopy->counted ? DOMM_PRECOPY_STOP : DOMM_PRECOPY_GO_ON;
}

static int stop_guest(struct saver_work *work, struct domm_error *err)
{
    uint32_t domid = work->saver->domid;
    uint64_t start = domm_now_ns();
    int rc = domm_xen_suspend(work->xen, domid, err);
    if (rc)
        return rc;
    if (work->saver->pause) {
        rc = domm_xen_note_pause(work->xen, domid, err);
        if (rc)
            return rc;
        rc = domm_hv_pause(work->hv, domid, err);
        if (rc)
            return rc;
    }
    if (work->saver->way == DOMM_SAVER_COMPARED) {
        rc = domm_compare_check(&work->compare, err);
        if (rc)
            return rc;
    }
    return saver_report(work, DOMM_PROGRESS_SUSPENDED, domm_now_ns() - start, err);
}

static int await_finish(struct saver_work *work, struct domm_error *err)
{
    int command = domm_child_next_command(work->control, -1);
    work->started_ns = domm_now_ns();
    if (command == DOMM_COMMAND_FINISH)
        return 0;
    return domm_fail(err, DOMM_ABORTED, "the migration of domain %u was given up",
                     work->saver->domid);
}

/* Left after any batch when the guest may stop: a target may stand still already, and a round takes
 * longer the more memory the guest has (domm_compare_batch says why this is safe). */
static int compare_round(struct saver_work *work, uint64_t *sent_r, struct domm_error *err)
{
    bool more = true;
    int rc = 0;
    *sent_r = 0;
    while (!rc && more && !work->may_stop) {
        uint64_t sent;
        rc = domm_compare_batch(&work->compare, &work->sink, &sent, &more, err);
        if (rc)
            return rc;
        *sent_r += sent;
        rc = listen(work, 0, err);
    }
    return rc;
}

/* A round that was left says nothing about the guest's write rate: it is not reported. */
static int compare_until_stop(struct saver_work *work, struct domm_error *err)
{
    uint64_t sent;
    int rc = domm_pump_await(work->pump, err);
    while (!rc && !work->may_stop) {
        rc = compare_round(work, &sent, err);
        if (!rc && !work->may_stop)
            rc = after_round(work, sent, work->sent_pages + sent, err);
    }
    return rc;
}

static int stop_and_wait(struct saver_work *work, struct domm_error *err)
{
    int rc;
    if (work->saver->way == DOMM_SAVER_COMPARED) {
        rc = compare_until_stop(work, err);
        if (rc)
            return rc;
    }
    rc = stop_guest(work, err);
    if (rc)
        return rc;
    return await_finish(work, err);
}

static bool on_stop(void *context)
{
    struct saver_work *work = context;
    work->rc = stop_and_wait(work, &work->err);
    return work->rc == 0;
}

static int save_tracked(struct saver_work *work, const struct domm_save_hooks *hooks,
                        struct domm_error *err)
{
    return domm_hv_save(work->hv, work->saver->domid, work->sink.fd, DOMM_SAVE_LIVE,
                        work->saver->verify, hooks, err);
}

/* The filter's error is the reason for libxenguest's failure. */
static int save_filtered(struct saver_work *work, struct domm_stream_filter *filter,
                         const struct domm_save_hooks *hooks, struct domm_error *err)
{
    struct domm_error pump_err = {0};
    int rc = domm_pump_start(filter, &work->pump, err);
    if (rc)
        return rc;
    rc = domm_hv_save(work->hv, work->saver->domid, domm_pump_fd(work->pump), DOMM_SAVE_STOPPED,
                      false, hooks, err);
    int pump_rc = domm_pump_finish(work->pump, &pump_err);
    work->progress.abandoned = domm_stream_filter_count(filter)->abandoned;
    if (!pump_rc)
        return rc;
    *err = pump_err;
    return pump_rc;
}

static int save_compared(struct saver_work *work, const struct domm_save_hooks *hooks,
                         struct domm_error *err)
{
    struct domm_stream_filter *filter;
    int rc = domm_compare_begin(work->hv, work->saver->domid, &work->compare, err);
    if (rc)
        return rc;
    rc = domm_stream_filter_new(work->compare.shadow, &work->sink, work->saver->verify, &filter,
                                err);
    if (!rc) {
        rc = save_filtered(work, filter, hooks, err);
        domm_stream_filter_free(filter);
    }
    domm_compare_end(&work->compare);
    return rc;
}

static int save(struct saver_work *work, struct domm_error *err)
{
    const struct domm_save_hooks hooks = {
        .precopy = saver_on_precopy, .stop = on_stop, .context = work};
    int rc = domm_sink_write(&work->sink, domm_libxl_begin, sizeof(domm_libxl_begin), err);
    if (rc)
        return rc;
    work->started_ns = domm_now_ns();
    rc = work->saver->way == DOMM_SAVER_TRACKED ? save_tracked(work, &hooks, err)
                                                : save_compared(work, &hooks, err);
    if (work->rc) {
        *err = work->err;
        return work->rc;
    }
    if (rc)
        return rc;
    rc = domm_sink_write(&work->sink, domm_libxl_end, sizeof(domm_libxl_end), err);
    if (rc)
        return rc;
    return saver_report(work, DOMM_PROGRESS_SENT, domm_now_ns() - work->started_ns, err);
}

static int open_and_save(struct saver_work *work, struct domm_error *err)
{
    int rc = domm_xen_open(work->saver->log, &work->xen, err);
    if (rc)
        return rc;
    rc = domm_hv_open(work->saver->log, &work->hv, err);
    if (rc)
        return rc;
    rc = domm_privileges_end(err);
    if (rc)
        return rc;
    return save(work, err);
}

static int saver_run(void *context, int control, struct domm_error *err)
{
    const struct domm_saver *saver = context;
    struct saver_work work = {
        .saver = saver,
        .control = control,
        .sink = {.fd = DOMM_CHILD_STREAM},
        .policy = {.enough = saver->enough_pages},
    };
    saver->log->expects = domm_child_is_hushed;
    int rc = open_and_save(&work, err);
    domm_hv_close(work.hv);
    domm_xen_close(work.xen);
    return rc;
}

int domm_saver_start(struct domm_xen *xen, const struct domm_saver *saver, int stream,
                     struct domm_child *child_r, struct domm_error *err)
{
    struct domm_saver copy = *saver;
    return domm_child_start(xen, stream, saver_run, &copy, child_r, err);
}
