/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Compares once or repeatedly, and reports what is new. */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>

#include "cmd/kernel-check/check.h"
#include "lib/base/clock.h"

/* One check looks this often, even if nothing differs: what moves may be missed by one look. A
 * check over and over has the later ones for that. The rests between are of any length up to this,
 * so that nothing can keep pace with them. */
#define LOOKS_ONCE 8
#define MAX_REST_MS 25

/* What differs may be a patch of the kernel's own, which it writes in several steps, and its vCPU
 * may be descheduled between them. Then it is gone in one of these further looks. */
static const int settle_rests[] = {50, 200, 500};
#define N_SETTLE (sizeof(settle_rests) / sizeof(*settle_rests))

struct check {
    const struct options *options;
    struct memory_source source;
    struct baseline baseline;
    struct knowledge knowledge;
    struct reporter reporter;
    struct changes look;
    struct verdict verdict;
    struct changes known, unsettled; /* reported; the latter of all passes */
    uint64_t milliseconds;           /* of the last pass */
    bool unreadable;
};

static int compare_once(struct check *check, struct domm_error *err)
{
    int rc = memory_source_follow(check->options->memory, check->options->log, &check->source, err);
    if (rc)
        return rc;
    rc = compare(&check->baseline, &check->source.physical, &check->knowledge, &check->look, err);
    memory_source_leave(&check->source, rc == 0);
    return rc;
}

static bool has_news(const struct check *check)
{
    const struct verdict *verdict = &check->verdict;
    for (size_t i = 0; i < verdict->settled.count; i++) {
        if (!changes_hold_exactly(&check->known, &verdict->settled.list[i]))
            return true;
    }
    return verdict->unsettled.count || verdict->unsettled.more;
}

static int watch_look_again(struct check *check, int rest_ms, struct domm_error *err)
{
    poll(NULL, 0, rest_ms);
    int rc = compare_once(check, err);
    if (!rc)
        verdict_add(&check->verdict, &check->look);
    return rc;
}

/* Fills check->verdict. */
static int compare_settled(struct check *check, struct domm_error *err)
{
    int64_t start = domm_now_ms();
    int rc = compare_once(check, err);
    check->milliseconds = (uint64_t)(domm_now_ms() - start);
    if (!rc)
        verdict_start(&check->verdict, &check->look);
    for (int i = 1; !rc && !check->options->interval && i < LOOKS_ONCE; i++)
        rc = watch_look_again(check, 1 + (int)arc4random_uniform(MAX_REST_MS), err);
    for (size_t i = 0; !rc && has_news(check) && i < N_SETTLE; i++)
        rc = watch_look_again(check, settle_rests[i], err);
    if (!rc)
        verdict_finish(&check->verdict);
    return rc;
}

/* Whether the list is complete. If it is full, or if another kernel prevented the comparison,
 * changes that are not in it may still exist. */
static bool watch_is_complete(const struct changes *changes)
{
    return !changes->more && (!changes->count || changes->list[0].kind != CHANGE_KERNEL);
}

/* Reports each place with an unsettled change once, of as many as the list holds. Returns whether
 * it reported any. */
static bool report_unsettled(struct check *check)
{
    const struct changes *unsettled = &check->verdict.unsettled;
    bool reported = unsettled->count || unsettled->more;
    check->unsettled.more += unsettled->more;
    for (size_t i = 0; i < unsettled->count; i++) {
        size_t before = check->unsettled.count;
        changes_add(&check->unsettled, &unsettled->list[i]);
        if (check->unsettled.count > before)
            report_change(&check->reporter, "unsettled", &unsettled->list[i]);
    }
    return reported;
}

/* Reports new and ended changes. Returns whether there were any. */
static bool watch_report(struct check *check)
{
    const struct changes *now = &check->verdict.settled;
    bool reported = report_unsettled(check) || now->more != check->known.more;
    bool complete = watch_is_complete(now);
    for (size_t i = 0; i < check->known.count; i++) {
        if (complete && !changes_hold(now, &check->known.list[i])) {
            report_change(&check->reporter, "restored", &check->known.list[i]);
            reported = true;
        }
    }
    for (size_t i = 0; i < now->count; i++) {
        if (!changes_hold_exactly(&check->known, &now->list[i])) {
            report_change(&check->reporter, "changed", &now->list[i]);
            reported = true;
        }
    }
    check->known = *now;
    return reported;
}

static int pass(struct check *check, bool first, struct domm_error *err)
{
    int rc = compare_settled(check, err);
    if (rc)
        return rc;
    if (check->unreadable)
        report_state(&check->reporter, "readable", "the memory can be read again");
    check->unreadable = false;
    if (watch_report(check) || first || check->options->verbose)
        report_pass(&check->reporter, check->baseline.n_pages, check->milliseconds, &check->known,
                    &check->unsettled);
    return report_flush(err);
}

/* If the memory cannot be read now, for example while its target is detached, waits for it. */
static int wait_for_memory(struct check *check, struct domm_error *err)
{
    if (err->code != DOMM_FAILED && err->code != DOMM_NOT_FOUND)
        return -(int)err->code;
    if (!check->unreadable)
        report_state(&check->reporter, "unreadable", err->text);
    check->unreadable = true;
    return report_flush(err);
}

/* An interval or a signal is all there is to wait for: an event loop would be more code. */
static int watch_memory(struct check *check, const sigset_t *signals, struct domm_error *err)
{
    int64_t interval_ms = (int64_t)check->options->interval * 1000;
    int64_t next = domm_now_ms() + interval_ms;
    int rc = pass(check, true, err);
    while (!rc) {
        int64_t now = domm_now_ms(), rest = next > now ? next - now : 0;
        struct timespec timeout = {rest / 1000, rest % 1000 * 1000000};
        if (sigtimedwait(signals, NULL, &timeout) > 0)
            return 0;
        if (domm_now_ms() < next)
            continue;
        next = domm_now_ms() + interval_ms;
        if (pass(check, false, err))
            rc = wait_for_memory(check, err);
    }
    return rc;
}

static int run_passes(struct check *check, struct domm_error *err)
{
    if (!check->options->interval)
        return pass(check, true, err);
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    return watch_memory(check, &signals, err);
}

int run_check(const struct options *options, struct domm_error *err)
{
    static struct check check;
    check.options = options;
    check.source.fd = -1;
    check.reporter = (struct reporter){
        .json = options->json, .syslog = options->syslog, .knowledge = &check.knowledge};
    int rc = baseline_open(options->baseline, &check.baseline, err);
    if (rc)
        return rc;
    rc = run_passes(&check, err);
    int verdict = check.known.count || check.known.more           ? -CHECK_CHANGED
                  : check.unsettled.count || check.unsettled.more ? -CHECK_UNSETTLED
                                                                  : 0;
    if (!rc && check.unreadable)
        rc = domm_fail(err, DOMM_FAILED, "the memory can no longer be read");
    memory_source_close(&check.source);
    knowledge_free(&check.knowledge);
    baseline_close(&check.baseline);
    return rc ? rc : verdict;
}
