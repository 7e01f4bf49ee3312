/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dommd: the service in dom0 that lets monitors map their targets' memory. See dommd(8). */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd/dommd/background.h"
#include "cmd/dommd/lifecycle.h"
#include "cmd/dommd/loop.h"
#include "cmd/dommd/scan.h"
#include "cmd/dommd/service.h"
#include "cmd/shared/event_loop.h"
#include "cmd/shared/program.h"
#include "lib/base/cleanup.h"
#include "lib/pair/locks.h"

#define LOG_FILE "/var/log/dommd.log"

#define MAX_GRACE 3600

#define MAX_DOMID 32751 /* DOMID_FIRST_RESERVED - 1, xen/include/public/xen.h */

struct arguments {
    bool foreground, revoke, scan, done;
    int ending;         /* domid of a guest that has ended; 0: none */
    const char *domain; /* to scan; null: all monitors */
};

static const char help[] =
    "Usage: dommd [-F|--foreground] [-r|--revoke] [-g|--grace SECONDS] [-v|--verbose]\n"
    "       dommd -s|--scan [DOMAIN]\n"
    "       dommd -e|--ending DOMID\n\n"
    "Lets each monitor of this host map the memory of its targets, read-only, and\n"
    "keeps its mirrors and storage as its record says. See dommd(8).";

static int parse_grace(struct service *service, struct domm_error *err)
{
    int seconds;
    int rc = parse_seconds("grace", optarg, MAX_GRACE, &seconds, err);
    if (rc)
        return rc;
    service->grace_ms = (int64_t)seconds * 1000;
    return 0;
}

static int parse_ending(struct arguments *arguments, struct domm_error *err)
{
    char *end;
    long domid = strtol(optarg, &end, 10);
    if (!isdigit((unsigned char)*optarg) || *end || domid < 1 || domid > MAX_DOMID)
        return domm_fail(err, DOMM_USAGE, "--ending: '%s' is not the domid of a guest", optarg);
    arguments->ending = (int)domid;
    return 0;
}

static int apply(struct service *service, struct arguments *arguments, int option, char **argv,
                 struct domm_error *err)
{
    switch (option) {
    case 'F':
        arguments->foreground = true;
        return 0;
    case 'r':
        arguments->revoke = true;
        return 0;
    case 's':
        arguments->scan = true;
        return 0;
    case 'e':
        return parse_ending(arguments, err);
    case 'v':
        service->log.minimum = DOMM_LOG_DEBUG;
        return 0;
    case 'g':
        return parse_grace(service, err);
    case 'h':
        return print_and_leave(help, &arguments->done, err);
    case 'V':
        return print_and_leave("dommd " PACKAGE_VERSION, &arguments->done, err);
    default:
        return domm_fail(err, DOMM_USAGE, "unknown option or missing argument: '%s'",
                         argv[optind - 1]);
    }
}

static int dommd_parse(struct service *service, struct arguments *arguments, int argc, char **argv,
                       struct domm_error *err)
{
    static const struct option options[] = {
        {"foreground", no_argument, NULL, 'F'},  {"revoke", no_argument, NULL, 'r'},
        {"grace", required_argument, NULL, 'g'}, {"scan", no_argument, NULL, 's'},
        {"ending", required_argument, NULL, 'e'}, {"verbose", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},        {"version", no_argument, NULL, 'V'},
        {0},
    };
    int option, rc = 0;
    opterr = 0;
    while (!rc && !arguments->done &&
           (option = getopt_long(argc, argv, "Frg:se:vhV", options, NULL)) != -1)
        rc = apply(service, arguments, option, argv, err);
    if (!rc && !arguments->done && arguments->scan && optind < argc)
        arguments->domain = argv[optind++];
    if (!rc && !arguments->done && optind < argc)
        rc = domm_fail(err, DOMM_USAGE, "unexpected argument '%s'", argv[optind]);
    return rc == -DOMM_USAGE ? domm_hint(err, "dommd --help") : rc;
}

/* From here on messages go to a file; background.h is the way to the terminal until the start. */
static int log_to_file(struct service *service, struct domm_error *err)
{
    FILE *file = fopen(LOG_FILE, "ae");
    if (!file)
        return domm_fail_errno(err, DOMM_FAILED, errno, "opening " LOG_FILE);
    enum domm_log_level minimum = service->log.minimum;
    domm_log_init(&service->log, file, "dommd");
    service->log.minimum = minimum;
    service->log.timestamps = true;
    return 0;
}

static int dommd_open(struct service *service, bool to_file, struct domm_error *err)
{
    int rc = to_file ? log_to_file(service, err) : 0;
    if (rc)
        return rc;
    rc = event_loop_new(&service->event, err);
    if (rc)
        return rc;
    return service_open(service, err);
}

static int dommd_serve(struct service *service, const struct arguments *arguments,
                       struct domm_error *err)
{
    cleanup_fd int lock_fd = -1;
    int waiting = -1;
    int rc = domm_lock_service(&lock_fd, err);
    if (!rc && !arguments->foreground)
        rc = background_begin(&waiting, err);
    if (rc)
        return rc;
    rc = dommd_open(service, !arguments->foreground, err);
    if (rc) {
        background_failed(&waiting, err);
        return rc;
    }
    background_started(&waiting);
    return service_run(service, arguments->revoke, err);
}

int main(int argc, char **argv)
{
    struct service service = {.grace_ms = 30000, .locks = -1};
    struct arguments arguments = {0};
    struct domm_error err;
    domm_log_init(&service.log, stderr, "dommd");
    int rc = dommd_parse(&service, &arguments, argc, argv, &err);
    if (!rc && !arguments.done && (arguments.scan || arguments.ending)) {
        rc = service_open(&service, &err);
        if (!rc)
            rc = arguments.scan ? service_scan(&service, arguments.domain, &err)
                                : service_handle_ending(&service, (uint32_t)arguments.ending, &err);
    } else if (!rc && !arguments.done) {
        rc = dommd_serve(&service, &arguments, &err);
    }
    service_close(&service);
    if (rc)
        domm_log_error(&service.log, &err);
    return -rc;
}
