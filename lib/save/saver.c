/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/save/saver.h"

#include <inttypes.h>
#include <stdio.h>

#include "lib/save/compare.h"
#include "lib/save/policy.h"
#include "lib/save/pump.h"
#include "lib/xen/save.h"

#define LARGE_ROUND_BYTES (1u << 20)

struct work {
    const struct domm_saver *saver;
    int control;
    struct domm_xen *xen;
    struct domm_memory *memory;
    struct domm_sink sink;
    struct domm_policy policy;
    struct domm_news news; /* the last, with what has added up */
    bool may_stop;
    uint64_t started_ns;  /* the round, or the final copy */
    uint64_t round_bytes; /* sent before the round */
    /* Of a way that compares. */
    struct domm_compare compare;
    struct domm_pump *pump;
    /* Why a hook made libxenguest fail. */
    int rc;
    struct domm_error err;
};

/* Bytes this process has written to whatever: what libxenguest writes, all but some lines of log
 * and messages. */
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

static int tell(struct work *work, enum domm_news_kind kind, uint64_t took_ns,
                struct domm_error *err)
{
    work->news.kind = kind;
    work->news.took_ns = took_ns;
    work->news.bytes = work->saver->way == DOMM_SAVER_TRACKED ? written_bytes() : work->sink.bytes;
    return domm_child_report(work->control, &work->news, err);
}

/* Waits for commands, this long or until one changes what to do. */
static int listen(struct work *work, int timeout_ms, struct domm_error *err)
{
    switch (domm_child_listen(work->control, timeout_ms)) {
    case 0:
        return 0;
    case DOMM_COMMAND_STOP:
        work->may_stop = true;
        return 0;
    default:
        return domm_fail(err, DOMM_ABORTED, "the move of domain %u was given up",
                         work->saver->domid);
    }
}

/* The rate is that of the last round that was large enough to tell. */
static void adjust(struct work *work, uint64_t took_ns)
{
    uint64_t bytes = work->news.bytes - work->round_bytes;
    uint64_t took_ms = took_ns / 1000000 + 1;
    work->round_bytes = work->news.bytes;
    if (bytes < LARGE_ROUND_BYTES)
        return;
    uint64_t pages = bytes / DOMM_PAGE_SIZE * work->saver->max_downtime_ms / took_ms;
    work->policy.enough = pages > work->saver->enough_pages ? pages : work->saver->enough_pages;
}

/* After each round of either way: reports it, and stays until there is something to do. */
static int after_round(struct work *work, uint64_t dirty_pages, struct domm_error *err)
{
    uint64_t now = domm_child_now_ns();
    domm_policy_count(&work->policy, dirty_pages);
    work->news.rounds++;
    work->news.dirty_pages = dirty_pages;
    work->news.converged = work->policy.converged;
    work->news.settled = work->policy.settled;
    int rc = tell(work, DOMM_NEWS_ROUND, now - work->started_ns, err);
    adjust(work, now - work->started_ns);
    if (!rc)
        rc = listen(work, work->may_stop ? 0 : domm_policy_pause(&work->policy), err);
    work->started_ns = domm_child_now_ns();
    return rc;
}

static enum domm_precopy_verdict on_precopy(void *context, const struct domm_precopy *precopy)
{
    struct work *work = context;
    if (!precopy->counted || precopy->round == 0)
        work->rc = listen(work, 0, &work->err);
    else
        work->rc = after_round(work, precopy->dirty_pages, &work->err);
    if (work->rc)
        return DOMM_PRECOPY_ABORT;
    return work->may_stop && precopy->counted ? DOMM_PRECOPY_STOP : DOMM_PRECOPY_GO_ON;
}

static int stop_guest(struct work *work, struct domm_error *err)
{
    uint32_t domid = work->saver->domid;
    uint64_t start = domm_child_now_ns();
    int rc = domm_xen_suspend(work->xen, domid, err);
    if (!rc && work->saver->pause)
        rc = domm_memory_pause(work->memory, domid, err);
    if (!rc && work->saver->way == DOMM_SAVER_COMPARED)
        rc = domm_compare_check(&work->compare, err);
    return rc ? rc : tell(work, DOMM_NEWS_SUSPENDED, domm_child_now_ns() - start, err);
}

static int await_finish(struct work *work, struct domm_error *err)
{
    int command = domm_child_listen(work->control, -1);
    work->started_ns = domm_child_now_ns();
    if (command == DOMM_COMMAND_FINISH)
        return 0;
    return domm_fail(err, DOMM_ABORTED, "the move of domain %u was given up", work->saver->domid);
}

static int compare_until_stop(struct work *work, struct domm_error *err)
{
    uint64_t sent;
    int rc = domm_pump_await(work->pump, err);
    while (!rc && !work->may_stop) {
        rc = domm_compare_round(&work->compare, &work->sink, &sent, err);
        rc = rc ? rc : after_round(work, sent, err);
    }
    return rc;
}

static bool on_stop(void *context)
{
    struct work *work = context;
    if (work->saver->way == DOMM_SAVER_COMPARED)
        work->rc = compare_until_stop(work, &work->err);
    if (!work->rc)
        work->rc = stop_guest(work, &work->err);
    if (!work->rc)
        work->rc = await_finish(work, &work->err);
    return work->rc == 0;
}

static int save_tracked(struct work *work, const struct domm_save_hooks *hooks,
                        struct domm_error *err)
{
    return domm_memory_save(work->memory, work->saver->domid, work->sink.fd, DOMM_SAVE_LIVE,
                            work->saver->verify, hooks, err);
}

/* What the filter failed with is the reason why libxenguest did. */
static int save_filtered(struct work *work, struct domm_filter *filter,
                         const struct domm_save_hooks *hooks, struct domm_error *err)
{
    struct domm_error pump_err = {0};
    int rc = domm_pump_start(filter, &work->pump, err);
    if (rc)
        return rc;
    rc = domm_memory_save(work->memory, work->saver->domid, domm_pump_fd(work->pump),
                          DOMM_SAVE_STOPPED, false, hooks, err);
    int pump_rc = domm_pump_finish(work->pump, &pump_err);
    work->news.abandoned = domm_filter_count(filter)->abandoned;
    if (!pump_rc)
        return rc;
    *err = pump_err;
    return pump_rc;
}

static int save_compared(struct work *work, const struct domm_save_hooks *hooks,
                         struct domm_error *err)
{
    struct domm_filter *filter;
    int rc = domm_compare_begin(work->memory, work->saver->domid, &work->compare, err);
    if (rc)
        return rc;
    rc = domm_filter_new(work->compare.shadow, &work->sink, work->saver->verify, &filter, err);
    if (!rc) {
        rc = save_filtered(work, filter, hooks, err);
        domm_filter_free(filter);
    }
    domm_compare_end(&work->compare);
    return rc;
}

static int save(struct work *work, struct domm_error *err)
{
    const struct domm_save_hooks hooks = {.precopy = on_precopy, .stop = on_stop, .context = work};
    int rc = domm_sink_write(&work->sink, domm_libxl_begin, sizeof(domm_libxl_begin), err);
    if (rc)
        return rc;
    work->started_ns = domm_child_now_ns();
    rc = work->saver->way == DOMM_SAVER_TRACKED ? save_tracked(work, &hooks, err)
                                                : save_compared(work, &hooks, err);
    if (work->rc) {
        *err = work->err;
        return work->rc;
    }
    if (!rc)
        rc = domm_sink_write(&work->sink, domm_libxl_end, sizeof(domm_libxl_end), err);
    return rc ? rc : tell(work, DOMM_NEWS_SENT, domm_child_now_ns() - work->started_ns, err);
}

static int run(void *context, int control, struct domm_error *err)
{
    const struct domm_saver *saver = context;
    struct work work = {
        .saver = saver,
        .control = control,
        .sink = {.fd = DOMM_CHILD_STREAM},
        .policy = {.enough = saver->enough_pages},
    };
    int rc = domm_xen_open(saver->log, &work.xen, err);
    if (!rc)
        rc = domm_memory_open(saver->log, &work.memory, err);
    if (!rc)
        rc = save(&work, err);
    domm_memory_close(work.memory);
    domm_xen_close(work.xen);
    return rc;
}

int domm_saver_start(struct domm_xen *xen, const struct domm_saver *saver, int stream,
                     struct domm_child *child_r, struct domm_error *err)
{
    struct domm_saver copy = *saver;
    return domm_child_start(xen, stream, run, &copy, child_r, err);
}
