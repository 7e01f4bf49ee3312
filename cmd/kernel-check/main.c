/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * domm-kernel-check: takes a baseline of the kernel in a memory, and later compares the kernel with
 * it, once or repeatedly.
 */
#include <getopt.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "cmd/kernel-check/check.h"
#include "cmd/shared/program.h"
#include "lib/base/cleanup.h"
#include "lib/base/file.h"
#include "lib/base/log.h"

#define PROGRAM "domm-kernel-check"
#define MAX_INTERVAL 86400

/* --- baseline --------------------------------------------------------------------------------- */

/* Written to memory first, so that the file is complete or absent. */
static int write_file(const struct domm_physical *physical, const struct kernel_given *given,
                      const char *path, struct domm_error *err)
{
    cleanup_free char *bytes = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&bytes, &size);
    if (!stream)
        return domm_no_memory(err);
    int rc = take_baseline(physical, given, stream, err);
    if (fclose(stream) && !rc)
        rc = domm_no_memory(err);
    return rc ? rc : domm_file_replace(path, bytes, size, err);
}

static int write_baseline(const struct options *options, const struct domm_physical *physical,
                          const struct kernel_given *given, struct domm_error *err)
{
    if (options->output)
        return write_file(physical, given, options->output, err);
    int rc = take_baseline(physical, given, stdout, err);
    if (rc)
        return rc;
    return report_flush(err);
}

static int run_baseline(const struct options *options, struct domm_error *err)
{
    DOMM_CLEANUP(given_files_free) struct given_files files = {.symbols = NULL};
    struct memory_source source;
    if (!options->output && isatty(STDOUT_FILENO)) {
        domm_fail(err, DOMM_USAGE, "a baseline is not written to a terminal");
        return domm_hint(err, PROGRAM " baseline --output FILE MEM");
    }
    int rc = given_files_read(options->system_map, options->vmcoreinfo, &files, err);
    if (rc)
        return rc;
    rc = memory_source_open(options->memory, options->log, &source, err);
    if (rc)
        return rc;
    rc = write_baseline(options, &source.physical, &files.given, err);
    memory_source_close(&source);
    return rc;
}

/* --- options ---------------------------------------------------------------------------------- */

static const char help[] =
    "Usage: domm-kernel-check baseline [-o|--output FILE] [-m|--system-map FILE]\n"
    "                                  [-n|--vmcoreinfo FILE] MEM\n"
    "       domm-kernel-check check -b|--baseline FILE [-i|--interval SECONDS]\n"
    "                               [-j|--json] [-s|--syslog] [-v|--verbose] MEM\n\n"
    "Checks whether the Linux kernel in a guest's memory still equals its baseline.\n"
    "MEM is a file, or in dom0 xen:DOMAIN, or in a monitor target:NAME.\n"
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
    case 'm':
        options->system_map = optarg;
        return 0;
    case 'n':
        options->vmcoreinfo = optarg;
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
        return domm_fail(err, DOMM_USAGE, "unknown option or missing argument: '%s'", word);
    }
}

/* Takes the operand, the memory. */
static int take_memory(struct options *options, int argc, char **argv, struct domm_error *err)
{
    if (options->action == ACTION_NONE)
        return domm_fail(err, DOMM_USAGE, "missing command: baseline or check");
    if (optind >= argc)
        return domm_fail(err, DOMM_USAGE, "missing operand: MEM");
    if (optind + 1 < argc)
        return domm_fail(err, DOMM_USAGE, "unexpected argument '%s'", argv[optind + 1]);
    if (options->action == ACTION_CHECK && !options->baseline)
        return domm_fail(err, DOMM_USAGE, "missing option: --baseline FILE");
    options->memory = argv[optind];
    return 0;
}

static int parse_options(struct options *options, int argc, char **argv, bool *done_r,
                         struct domm_error *err)
{
    static const struct option always[] = {
        {"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'V'}, {0}};
    static const struct option of_baseline[] = {
        {"output", required_argument, NULL, 'o'},     {"system-map", required_argument, NULL, 'm'},
        {"vmcoreinfo", required_argument, NULL, 'n'}, {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},          {0}};
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
        [ACTION_BASELINE] = {"o:m:n:hV", of_baseline},
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
    if (rc && rc != -CHECK_CHANGED && rc != -CHECK_UNSETTLED)
        domm_log_error(&log, &err);
    return -rc;
}
