/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * domm-kernel-check: takes a baseline of the kernel in a memory, and later compares the kernel with
 * it, once or over and over.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>

#include "cmd/guest/check.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"

#define PROGRAM "domm-kernel-check"
#define MAX_INTERVAL 86400

/* The kernel patches one place in steps, with a breakpoint between them; by then it is done. */
#define SETTLE_MS 50

enum action { ACTION_NONE, ACTION_BASELINE, ACTION_CHECK };

struct options {
    enum action action;
    const char *output, *baseline, *memory;
    int interval; /* seconds; 0: once */
    bool json, syslog;
};

struct check {
    const struct options *options;
    struct baseline baseline;
    struct knowledge knowledge;
    struct reporter reporter;
    struct changes now, before, known;
    uint64_t milliseconds; /* of the last pass */
    bool unreadable;
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int open_memory(const char *path, int *fd_r, struct domm_physical *physical_r,
                       struct domm_error *err)
{
    *fd_r = open(path, O_RDONLY | O_CLOEXEC);
    if (*fd_r < 0)
        return domm_fail_errno(err, errno == ENOENT ? DOMM_NOT_FOUND : DOMM_FAILED, errno,
                               "opening the memory %s", path);
    int rc = domm_physical_file(fd_r, physical_r);
    return rc ? domm_fail_errno(err, DOMM_FAILED, -rc, "the memory %s", path) : 0;
}

/* --- baseline --------------------------------------------------------------------------------- */

/* Under another name first, so that a baseline is there as a whole or not at all. */
static int write_file(const struct domm_physical *physical, const char *path,
                      struct domm_error *err)
{
    char new_path[PATH_MAX];
    if (snprintf(new_path, sizeof(new_path), "%s.new", path) >= (int)sizeof(new_path))
        return domm_fail(err, DOMM_USAGE, "the name of the output is too long");
    int fd = open(new_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    FILE *stream = fd < 0 ? NULL : fdopen(fd, "w");
    if (!stream) {
        domm_fail_errno(err, DOMM_FAILED, errno, "creating %s", new_path);
        if (fd >= 0)
            close(fd);
        return -(int)err->code;
    }
    int rc = take_baseline(physical, stream, err);
    if (!rc && (fflush(stream) || fsync(fd)))
        rc = domm_fail_errno(err, DOMM_FAILED, errno, "writing %s", new_path);
    if (fclose(stream) && !rc)
        rc = domm_fail_errno(err, DOMM_FAILED, errno, "writing %s", new_path);
    if (!rc && rename(new_path, path))
        rc = domm_fail_errno(err, DOMM_FAILED, errno, "renaming %s", new_path);
    if (rc)
        unlink(new_path);
    return rc;
}

static int run_baseline(const struct options *options, struct domm_error *err)
{
    cleanup_fd int fd = -1;
    struct domm_physical physical;
    if (!options->output && isatty(STDOUT_FILENO)) {
        domm_fail(err, DOMM_USAGE, "a baseline is not for a terminal");
        return domm_hint(err, PROGRAM " baseline --output FILE MEM");
    }
    int rc = open_memory(options->memory, &fd, &physical, err);
    if (rc)
        return rc;
    if (options->output)
        return write_file(&physical, options->output, err);
    rc = take_baseline(&physical, stdout, err);
    return rc ? rc : report_flush(err);
}

/* --- check ------------------------------------------------------------------------------------ */

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
    cleanup_fd int fd = -1;
    struct domm_physical physical;
    /* Anew each time: the agent that offers it may have been started again. */
    int rc = open_memory(check->options->memory, &fd, &physical, err);
    return rc ? rc : compare(&check->baseline, &physical, &check->knowledge, &check->now, err);
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

/* Fills check->now. */
static int compare_settled(struct check *check, struct domm_error *err)
{
    int64_t start = now_ms();
    int rc = compare_once(check, err);
    check->milliseconds = (uint64_t)(now_ms() - start);
    if (rc || !has_news(check))
        return rc;
    check->before = check->now;
    poll(NULL, 0, SETTLE_MS);
    rc = compare_once(check, err);
    if (!rc && !check->before.more)
        keep_settled(&check->now, &check->before);
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
    if (tell(check) || first)
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

static int open_signals(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    return signalfd(-1, &signals, SFD_CLOEXEC);
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

static int run_check(const struct options *options, struct domm_error *err)
{
    static struct check check;
    check.options = options;
    check.reporter = (struct reporter){
        .json = options->json, .syslog = options->syslog, .knowledge = &check.knowledge};
    int rc = baseline_open(options->baseline, &check.baseline, err);
    if (rc)
        return rc;
    rc = run_passes(&check, err);
    bool changed = check.known.count || check.known.more;
    if (!rc && check.unreadable)
        rc = domm_fail(err, DOMM_FAILED, "the memory could not be read any more");
    knowledge_free(&check.knowledge);
    baseline_close(&check.baseline);
    return rc ? rc : changed ? -CHECK_CHANGED : 0;
}

/* --- options ---------------------------------------------------------------------------------- */

static const char help[] =
    "Usage: domm-kernel-check baseline [-o|--output FILE] MEM\n"
    "       domm-kernel-check check -b|--baseline FILE [-i|--interval SECONDS]\n"
    "                               [-j|--json] [-s|--syslog] MEM\n\n"
    "Tells whether the Linux kernel in a memory is still what it was in the baseline.\n"
    "See domm-kernel-check(8).";

static int print_and_leave(const char *text, bool *done_r, struct domm_error *err)
{
    *done_r = true;
    if (puts(text) < 0 || fflush(stdout) != 0)
        return domm_fail_errno(err, DOMM_FAILED, errno, "writing to standard output");
    return 0;
}

static int parse_interval(struct options *options, const char *text, struct domm_error *err)
{
    char *end;
    errno = 0;
    long seconds = strtol(text, &end, 10);
    if (errno || end == text || *end || seconds < 1 || seconds > MAX_INTERVAL)
        return domm_fail(err, DOMM_USAGE, "the interval '%s' is not a number from 1 to %d", text,
                         MAX_INTERVAL);
    options->interval = (int)seconds;
    return 0;
}

static bool parse_action(struct options *options, int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";
    if (strcmp(word, "baseline") == 0)
        options->action = ACTION_BASELINE;
    else if (strcmp(word, "check") == 0)
        options->action = ACTION_CHECK;
    return options->action != ACTION_NONE;
}

static int take_option(struct options *options, int option, const char *word, bool *done_r,
                       struct domm_error *err)
{
    switch (option) {
    case 'o':
        options->output = optarg;
        return 0;
    case 'b':
        options->baseline = optarg;
        return 0;
    case 'i':
        return parse_interval(options, optarg, err);
    case 'j':
        options->json = true;
        return 0;
    case 's':
        options->syslog = true;
        return 0;
    case 'h':
        return print_and_leave(help, done_r, err);
    case 'V':
        return print_and_leave(PROGRAM " " PACKAGE_VERSION, done_r, err);
    default:
        return domm_fail(err, DOMM_USAGE, "option '%s' is unknown or lacks its argument", word);
    }
}

/* What remains after the options: the memory. */
static int take_memory(struct options *options, int argc, char **argv, struct domm_error *err)
{
    if (options->action == ACTION_NONE)
        return domm_fail(err, DOMM_USAGE, "say baseline or check");
    if (optind >= argc)
        return domm_fail(err, DOMM_USAGE, "say which memory");
    if (optind + 1 < argc)
        return domm_fail(err, DOMM_USAGE, "'%s' is one argument too many", argv[optind + 1]);
    if (options->action == ACTION_CHECK && !options->baseline)
        return domm_fail(err, DOMM_USAGE, "say which baseline, with --baseline FILE");
    options->memory = argv[optind];
    return 0;
}

static int parse_options(struct options *options, int argc, char **argv, bool *done_r,
                         struct domm_error *err)
{
    static const struct option always[] = {
        {"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'V'}, {0}};
    static const struct option of_baseline[] = {{"output", required_argument, NULL, 'o'},
                                                {"help", no_argument, NULL, 'h'},
                                                {"version", no_argument, NULL, 'V'},
                                                {0}};
    static const struct option of_check[] = {{"baseline", required_argument, NULL, 'b'},
                                             {"interval", required_argument, NULL, 'i'},
                                             {"json", no_argument, NULL, 'j'},
                                             {"syslog", no_argument, NULL, 's'},
                                             {"help", no_argument, NULL, 'h'},
                                             {"version", no_argument, NULL, 'V'},
                                             {0}};
    static const struct {
        const char *letters;
        const struct option *words;
    } known[] = {
        [ACTION_NONE] = {"hV", always},
        [ACTION_BASELINE] = {"o:hV", of_baseline},
        [ACTION_CHECK] = {"b:i:jshV", of_check},
    };
    int option, rc = 0;
    opterr = 0;
    optind = parse_action(options, argc, argv) ? 2 : 1;
    while (!rc && !*done_r &&
           (option = getopt_long(argc, argv, known[options->action].letters,
                                 known[options->action].words, NULL)) != -1)
        rc = take_option(options, option, argv[optind - 1], done_r, err);
    if (!rc && !*done_r)
        rc = take_memory(options, argc, argv, err);
    return rc == -DOMM_USAGE ? domm_hint(err, PROGRAM " --help") : rc;
}

int main(int argc, char **argv)
{
    struct options options = {.action = ACTION_NONE};
    struct domm_error err = {.code = DOMM_OK};
    struct domm_log log;
    bool done = false;
    domm_log_init(&log, stderr, PROGRAM);
    int rc = parse_options(&options, argc, argv, &done, &err);
    if (!rc && !done && options.syslog)
        openlog(PROGRAM, LOG_PID, LOG_AUTHPRIV);
    if (!rc && !done)
        rc = options.action == ACTION_BASELINE ? run_baseline(&options, &err)
                                               : run_check(&options, &err);
    if (rc && rc != -CHECK_CHANGED)
        domm_log_error(&log, &err);
    return -rc;
}
