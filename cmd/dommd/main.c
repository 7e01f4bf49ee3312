/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dommd: the service in dom0 that lets domMs map their targets' memory. See dommd(8). */
#include <errno.h>
#include <getopt.h>
#include <unistd.h>

#include "cmd/dommd/service.h"
#include "cmd/shared/program.h"
#include "lib/base/cleanup.h"
#include "lib/base/lock.h"

#define LOG_FILE "/var/log/dommd.log"

#define MAX_GRACE 3600

struct arguments {
    bool foreground, revoke, scan, done;
    const char *domain; /* to scan; null: all domMs */
};

static const char help[] =
    "Usage: dommd [-F|--foreground] [-r|--revoke] [-g|--grace SECONDS] [-v|--verbose]\n"
    "       dommd -s|--scan [DOMAIN]\n\n"
    "Lets each domM of this host map the memory of the targets in its record, read-only.\n"
    "See dommd(8).";

static int parse_grace(struct service *service, struct domm_error *err)
{
    int seconds;
    int rc = parse_seconds("grace", optarg, MAX_GRACE, &seconds, err);
    if (!rc)
        service->grace_ms = (int64_t)seconds * 1000;
    return rc;
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
        return domm_fail(err, DOMM_USAGE, "option '%s' is unknown or lacks its argument",
                         argv[optind - 1]);
    }
}

static int parse(struct service *service, struct arguments *arguments, int argc, char **argv,
                 struct domm_error *err)
{
    static const struct option options[] = {
        {"foreground", no_argument, NULL, 'F'},  {"revoke", no_argument, NULL, 'r'},
        {"grace", required_argument, NULL, 'g'}, {"scan", no_argument, NULL, 's'},
        {"verbose", no_argument, NULL, 'v'},     {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},     {0},
    };
    int option, rc = 0;
    opterr = 0;
    while (!rc && !arguments->done &&
           (option = getopt_long(argc, argv, "Frg:svhV", options, NULL)) != -1)
        rc = apply(service, arguments, option, argv, err);
    if (!rc && !arguments->done && arguments->scan && optind < argc)
        arguments->domain = argv[optind++];
    if (!rc && !arguments->done && optind < argc)
        rc = domm_fail(err, DOMM_USAGE, "'%s' is one argument too many", argv[optind]);
    return rc == -DOMM_USAGE ? domm_hint(err, "dommd --help") : rc;
}

/* To the background: what it has to say goes to a file from then on. */
static int detach(struct service *service, struct domm_error *err)
{
    FILE *file = fopen(LOG_FILE, "ae");
    if (!file)
        return domm_fail_errno(err, DOMM_FAILED, errno, "opening " LOG_FILE);
    if (daemon(0, 0)) {
        int reason = errno;
        fclose(file);
        return domm_fail_errno(err, DOMM_FAILED, reason, "going to the background");
    }
    enum domm_log_level minimum = service->log.minimum;
    domm_log_init(&service->log, file, "dommd");
    service->log.minimum = minimum;
    service->log.timestamps = true;
    return 0;
}

static int serve(struct service *service, const struct arguments *arguments, struct domm_error *err)
{
    cleanup_fd int lock_fd = -1;
    int rc = domm_lock_service(&lock_fd, err);
    if (!rc && !arguments->foreground)
        rc = detach(service, err);
    if (rc)
        return rc;
    cleanup_fd int signal_fd = open_signals();
    if (signal_fd < 0)
        return domm_fail_errno(err, DOMM_FAILED, errno, "listening for signals");
    rc = service_open(service, err);
    return rc ? rc : service_run(service, signal_fd, arguments->revoke, err);
}

int main(int argc, char **argv)
{
    struct service service = {.grace_ms = 30000, .locks = -1};
    struct arguments arguments = {0};
    struct domm_error err;
    domm_log_init(&service.log, stderr, "dommd");
    int rc = parse(&service, &arguments, argc, argv, &err);
    if (!rc && arguments.scan) {
        rc = service_open(&service, &err);
        if (!rc)
            rc = service_scan(&service, arguments.domain, &err);
    } else if (!rc && !arguments.done) {
        rc = serve(&service, &arguments, &err);
    }
    service_close(&service);
    if (rc)
        domm_log_error(&service.log, &err);
    return -rc;
}
