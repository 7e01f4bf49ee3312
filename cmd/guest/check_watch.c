/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Comparing once, or over and over, and telling what is new. */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "cmd/guest/check.h"
#include "cmd/guest/clock.h"
#include "cmd/shared/program.h"
#include "lib/base/cleanup.h"

/* The kernel patches one place in steps, and its CPU may be taken away between them: what is gone
 * by one of these further looks was such a step. Their rests are in ms. */
static const int settle_rests[] = {50, 200, 500};
#define N_LOOKS (sizeof(settle_rests) / sizeof(*settle_rests))

struct check {
    const struct options *options;
    struct memory_source source;
    struct baseline baseline;
    struct knowledge knowledge;
    struct reporter reporter;
    struct changes now, before, known;
    uint64_t milliseconds; /* of the last pass */
    bool unreadable;
};

static bool is_same(const struct change *left, const struct change *right)
{
    return left->kind == right->kind && left->address == right->address &&
           left->size == right->size && memcmp(left->now, right->now, CHANGE_BYTES) == 0;
}

static bool holds(const struct changes *changes, const struct change *change, bool exactly)
{
    for (size_t i = 0; i < changes->count; i++) {
        const struct change *other = &changes->list[i];
        if (exactly ? is_same(other, change)
                    : other->kind == change->kind && other->address == change->address)
            return true;
    }
    return false;
}

static int compare_once(struct check *check, struct domm_error *err)
{
    int rc = memory_source_follow(check->options->memory, check->options->log, &check->source, err);
    if (rc)
        return rc;
    rc = compare(&check->baseline, &check->source.physical, &check->knowledge, &check->now, err);
    memory_source_leave(&check->source, rc == 0);
    return rc;
}

static bool has_news(const struct check *check)
{
    for (size_t i = 0; i < check->now.count; i++) {
        if (!holds(&check->known, &check->now.list[i], true))
            return true;
    }
    return false;
}

/* What was there before and is there still: not what the kernel was just patching. */
static void keep_settled(struct changes *now, const struct changes *before)
{
    size_t kept = 0;
    for (size_t i = 0; i < now->count; i++) {
        if (holds(before, &now->list[i], false))
            now->list[kept++] = now->list[i];
    }
    now->count = kept;
}

static int look_again(struct check *check, int rest_ms, struct domm_error *err)
{
    check->before = check->now;
    poll(NULL, 0, rest_ms);
    int rc = compare_once(check, err);
    if (!rc && !check->before.more)
        keep_settled(&check->now, &check->before);
    return rc;
}

/* Fills check->now. */
static int compare_settled(struct check *check, struct domm_error *err)
{
    int64_t start = now_ms();
    int rc = compare_once(check, err);
    check->milliseconds = (uint64_t)(now_ms() - start);
    for (size_t i = 0; !rc && has_news(check) && i < N_LOOKS; i++)
        rc = look_again(check, settle_rests[i], err);
    return rc;
}

/* Else what is not in the list may be there still: there is more than it holds, or another kernel
 * kept from looking. */
static bool is_complete(const struct changes *changes)
{
    return !changes->more && (!changes->count || changes->list[0].kind != CHANGE_KERNEL);
}

/* Tells what is new and what is over. Returns whether there was anything to tell. */
static bool tell(struct check *check)
{
    bool told = check->now.more != check->known.more;
    bool complete = is_complete(&check->now);
    for (size_t i = 0; i < check->known.count; i++) {
        if (complete && !holds(&check->now, &check->known.list[i], false)) {
            report_change(&check->reporter, "restored", &check->known.list[i]);
            told = true;
        }
    }
    for (size_t i = 0; i < check->now.count; i++) {
        if (!holds(&check->known, &check->now.list[i], true)) {
            report_change(&check->reporter, "changed", &check->now.list[i]);
            told = true;
        }
    }
    check->known = check->now;
    return told;
}

static int pass(struct check *check, bool first, struct domm_error *err)
{
    int rc = compare_settled(check, err);
    if (rc)
        return rc;
    if (check->unreadable)
        report_state(&check->reporter, "readable", "the memory can be read again");
    check->unreadable = false;
    if (tell(check) || first || check->options->verbose)
        report_pass(&check->reporter, check->baseline.n_pages, check->milliseconds, &check->known);
    return report_flush(err);
}

/* A memory that cannot be read now, as while its target is detached, is waited for. */
static int wait_for_memory(struct check *check, struct domm_error *err)
{
    if (err->code != DOMM_FAILED && err->code != DOMM_NOT_FOUND)
        return -(int)err->code;
    if (!check->unreadable)
        report_state(&check->reporter, "unreadable", err->text);
    check->unreadable = true;
    return report_flush(err);
}

static int watch(struct check *check, int signal_fd, struct domm_error *err)
{
    struct pollfd signals = {.fd = signal_fd, .events = POLLIN};
    int64_t interval_ms = (int64_t)check->options->interval * 1000;
    int64_t next = now_ms() + interval_ms;
    int rc = pass(check, true, err);
    while (!rc) {
        int64_t rest = next - now_ms();
        if (poll(&signals, 1, rest > 0 ? (int)rest : 0) > 0)
            return 0;
        if (now_ms() < next)
            continue;
        next = now_ms() + interval_ms;
        if (pass(check, false, err))
            rc = wait_for_memory(check, err);
    }
    return rc;
}

static int run_passes(struct check *check, struct domm_error *err)
{
    if (!check->options->interval)
        return pass(check, true, err);
    cleanup_fd int signal_fd = open_signals();
    if (signal_fd < 0)
        return domm_fail_errno(err, DOMM_FAILED, errno, "listening for signals");
    return watch(check, signal_fd, err);
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
    bool changed = check.known.count || check.known.more;
    if (!rc && check.unreadable)
        rc = domm_fail(err, DOMM_FAILED, "the memory could not be read any more");
    memory_source_close(&check.source);
    knowledge_free(&check.knowledge);
    baseline_close(&check.baseline);
    return rc ? rc : changed ? -CHECK_CHANGED : 0;
}
