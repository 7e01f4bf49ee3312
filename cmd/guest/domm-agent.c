/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * domm-agent runs inside domM, offers the memory of its targets as files (agent.h), and tells dom0
 * that its user space is alive, through xenstore: in domm/agent below the guest's own home. All
 * paths are relative, so that a migration, after which the home is another, needs no care: the
 * nodes are missing there until dom0 has made `domm` anew.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>

#include "cmd/guest/agent.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/xen/store.h"

#define NODE "domm" /* made by dom0, which lets this guest write in it */
#define NODE_AGENT NODE "/agent"

#define MAX_INTERVAL 3600

struct agent {
    struct domm_store *store;
    struct domm_log log;
    int64_t interval_ms;
    bool published;
    bool told_waiting;
    uint64_t beats;
    struct memory memory;
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int write_signs(struct agent *agent, struct domm_error *err)
{
    char beats[24];
    int rc = 0;
    if (!agent->published)
        rc = domm_store_write(agent->store, NODE_AGENT "/version", PACKAGE_VERSION, err);
    snprintf(beats, sizeof(beats), "%" PRIu64, ++agent->beats);
    return rc ? rc : domm_store_write(agent->store, NODE_AGENT "/alive", beats, err);
}

/* That dom0 has not made the node, or has removed it, is a state to wait in and not an error. */
static int beat(struct agent *agent, struct domm_error *err)
{
    int rc = write_signs(agent, err);
    bool waiting = rc == -DOMM_NOT_FOUND || rc == -DOMM_NOT_PERMITTED;
    if (rc && !waiting)
        return rc;
    if (waiting && !agent->told_waiting)
        domm_log(&agent->log, DOMM_LOG_INFO, "waiting for dom0 to make the xenstore node " NODE);
    if (!waiting && !agent->published)
        domm_log(&agent->log, DOMM_LOG_INFO, "giving signs of life in " NODE_AGENT);
    agent->told_waiting = waiting;
    agent->published = !waiting;
    return 0;
}

/* Beats every interval, and at once when dom0 has changed the node, until a signal comes. */
static int run(struct agent *agent, int signal_fd, struct domm_error *err)
{
    struct pollfd fds[2 + MEMORY_FDS] = {
        {.fd = signal_fd, .events = POLLIN},
        {.fd = domm_store_fd(agent->store), .events = POLLIN},
    };
    int64_t next = now_ms();
    while (!fds[0].revents) {
        bool due = now_ms() >= next;
        if (fds[1].revents && domm_store_changed(agent->store, NODE)) {
            agent->published = false;
            due = true;
        }
        if (due) {
            int rc = beat(agent, err);
            if (rc)
                return rc;
            next = now_ms() + agent->interval_ms;
        }
        int64_t memory_rest = memory_step(&agent->memory);
        int64_t rest = next - now_ms();
        rest = memory_rest < rest ? memory_rest : rest;
        memory_fds(&agent->memory, fds + 2);
        if (poll(fds, 2 + MEMORY_FDS, rest > 0 ? (int)rest : 0) < 0 && errno != EINTR)
            return domm_fail_errno(err, DOMM_FAILED, errno, "waiting for xenstore");
    }
    return agent->published ? domm_store_remove(agent->store, NODE_AGENT, err) : 0;
}

/* dom0 has a home in xenstore as well, but it is no domM. */
static int refuse_dom0(struct domm_store *store, struct domm_error *err)
{
    cleanup_free char *domid = NULL;
    int rc = domm_store_read(store, "domid", &domid, err);
    if (rc || strcmp(domid, "0") != 0)
        return rc;
    domm_fail(err, DOMM_NOT_PERMITTED, "this is dom0, not a domM");
    return domm_hint(err, "run domm-agent inside the guest that monitors");
}

/* SIGTERM and SIGINT as a descriptor; blocked before libxenstore makes its thread. */
static int open_signals(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    return signalfd(-1, &signals, SFD_CLOEXEC);
}

static int serve(struct agent *agent, struct domm_error *err)
{
    cleanup_fd int signal_fd = open_signals();
    if (signal_fd < 0)
        return domm_fail_errno(err, DOMM_FAILED, errno, "listening for signals");
    int rc = domm_store_open(&agent->store, err);
    if (rc)
        return rc;
    rc = refuse_dom0(agent->store, err);
    if (!rc)
        rc = domm_store_watch(agent->store, NODE, err);
    if (!rc) {
        memory_open(&agent->memory, &agent->log);
        rc = run(agent, signal_fd, err);
        memory_close(&agent->memory);
    }
    domm_store_close(agent->store);
    return rc;
}

static int parse_interval(struct agent *agent, const char *text, struct domm_error *err)
{
    char *end;
    errno = 0;
    long seconds = strtol(text, &end, 10);
    if (errno || end == text || *end || seconds < 1 || seconds > MAX_INTERVAL)
        return domm_fail(err, DOMM_USAGE, "the interval '%s' is not a number from 1 to %d", text,
                         MAX_INTERVAL);
    agent->interval_ms = seconds * 1000;
    return 0;
}

static int print_and_leave(const char *text, bool *done_r, struct domm_error *err)
{
    *done_r = true;
    if (puts(text) < 0 || fflush(stdout) != 0)
        return domm_fail_errno(err, DOMM_FAILED, errno, "writing to standard output");
    return 0;
}

static int parse_options(struct agent *agent, int argc, char **argv, bool *done_r,
                         struct domm_error *err)
{
    static const struct option options[] = {
        {"interval", required_argument, NULL, 'i'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {0},
    };
    int option, rc = 0;
    opterr = 0;
    while (!rc && !*done_r && (option = getopt_long(argc, argv, "i:hV", options, NULL)) != -1) {
        if (option == 'i')
            rc = parse_interval(agent, optarg, err);
        else if (option == 'V')
            rc = print_and_leave("domm-agent " PACKAGE_VERSION, done_r, err);
        else if (option == 'h')
            rc = print_and_leave("Usage: domm-agent [-i|--interval SECONDS]\n\n"
                                 "Tells dom0 through xenstore that this domM is alive, and offers the memory\n"
                                 "of its targets as read-only files.\n"
                                 "See domm-agent(8).",
                                 done_r, err);
        else
            rc = domm_fail(err, DOMM_USAGE, "option '%s' is unknown or lacks its argument",
                           argv[optind - 1]);
    }
    if (!rc && !*done_r && optind < argc)
        rc = domm_fail(err, DOMM_USAGE, "'%s' is one argument too many", argv[optind]);
    return rc == -DOMM_USAGE ? domm_hint(err, "domm-agent --help") : rc;
}

int main(int argc, char **argv)
{
    struct agent agent = {.interval_ms = 1000};
    struct domm_error err;
    bool done = false;
    domm_log_init(&agent.log, stderr, "domm-agent");
    int rc = parse_options(&agent, argc, argv, &done, &err);
    if (!rc && !done)
        rc = serve(&agent, &err);
    if (rc)
        domm_log_error(&agent.log, &err);
    return -rc;
}
