/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * domm-kernel-check: takes a baseline of the kernel in a memory, and later compares the kernel with
 * it, once or over and over.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "cmd/guest/check.h"
#include "cmd/shared/program.h"
#include "lib/base/log.h"

#define PROGRAM "domm-kernel-check"
#define MAX_INTERVAL 86400

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

static int write_baseline(const struct options *options, const struct domm_physical *physical,
                          struct domm_error *err)
{
    if (options->output)
        return write_file(physical, options->output, err);
    int rc = take_baseline(physical, stdout, err);
    return rc ? rc : report_flush(err);
}

static int run_baseline(const struct options *options, struct domm_error *err)
{
    struct memory_source source;
    if (!options->output && isatty(STDOUT_FILENO)) {
        domm_fail(err, DOMM_USAGE, "a baseline is not for a terminal");
        return domm_hint(err, PROGRAM " baseline --output FILE MEM");
    }
    int rc = memory_source_open(options->memory, options->log, &source, err);
    if (rc)
        return rc;
    rc = write_baseline(options, &source.physical, err);
    memory_source_close(&source);
    return rc;
}

/* --- options ---------------------------------------------------------------------------------- */

static const char help[] =
    "Usage: domm-kernel-check baseline [-o|--output FILE] MEM\n"
    "       domm-kernel-check check -b|--baseline FILE [-i|--interval SECONDS]\n"
    "                               [-j|--json] [-s|--syslog] [-v|--verbose] MEM\n\n"
    "Tells whether the Linux kernel in a memory is still what it was in the baseline.\n"
    "MEM is a file, in dom0 xen:DOMAIN, or in a domM target:NAME.\n"
    "See domm-kernel-check(8).";

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
        return parse_seconds("interval", optarg, MAX_INTERVAL, &options->interval, err);
    case 'j':
        options->json = true;
        return 0;
    case 's':
        options->syslog = true;
        return 0;
    case 'v':
        options->verbose = true;
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
    static const struct option of_check[] = {
        {"baseline", required_argument, NULL, 'b'}, {"interval", required_argument, NULL, 'i'},
        {"json", no_argument, NULL, 'j'},           {"syslog", no_argument, NULL, 's'},
        {"verbose", no_argument, NULL, 'v'},        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},        {0}};
    static const struct {
        const char *letters;
        const struct option *words;
    } known[] = {
        [ACTION_NONE] = {"hV", always},
        [ACTION_BASELINE] = {"o:hV", of_baseline},
        [ACTION_CHECK] = {"b:i:jsvhV", of_check},
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
    struct domm_error err = {.code = DOMM_OK};
    struct domm_log log;
    struct options options = {.action = ACTION_NONE, .log = &log};
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
