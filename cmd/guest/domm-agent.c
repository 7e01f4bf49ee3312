/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * domm-agent runs inside domM, offers the memory of its targets as files (agent.h), mounts their
 * storage (storage.h), brings the other programs to rest before a suspend (freezer.h), and tells
 * dom0 that its user space is alive (here) and how its work goes (ping.h), through xenstore: in
 * domm/agent below the guest's own home. All paths are relative, so that a migration, after which
 * the home is another, needs no care: the nodes are missing there until dom0 has made `domm` anew.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "cmd/guest/agent.h"
#include "cmd/guest/clock.h"
#include "cmd/guest/freezer.h"
#include "cmd/guest/monitor.h"
#include "cmd/guest/ping.h"
#include "cmd/guest/storage.h"
#include "cmd/guest/wanted.h"
#include "cmd/shared/program.h"
#include "lib/base/cleanup.h"
#include "lib/base/log.h"
#include "lib/xen/store.h"

#define NODE "domm"              /* made by dom0 */
#define NODE_AGENT NODE "/agent" /* made by dom0, which lets this guest write in it */

#define INTERVAL_S 5
#define MAX_INTERVAL 3600

struct agent {
    struct domm_store *store;
    struct domm_log log;
    int64_t interval_ms;
    bool published;
    bool told_waiting;
    uint64_t beats;
    bool look;       /* dom0 may have changed the list of targets */
    int64_t look_ms; /* not before: it writes many nodes */
    struct memory memory;
    struct storage storage;
    struct ping ping;
    struct freezer freezer;
};

#define LOOK_DELAY_MS 100

static int write_signs(struct agent *agent, struct domm_error *err)
{
    char beats[24];
    int rc = 0;
    if (!agent->published)
        rc = domm_store_write(agent->store, NODE_AGENT "/version", PACKAGE_VERSION, err);
    snprintf(beats, sizeof(beats), "%" PRIu64, ++agent->beats);
    return rc ? rc : domm_store_write(agent->store, NODE_AGENT "/alive", beats, err);
}

/* All but the node itself, which is dom0's to make. */
static int remove_signs(struct agent *agent, struct domm_error *err)
{
    cleanup_free char **names = NULL;
    size_t count;
    int rc = domm_store_list(agent->store, NODE_AGENT, &names, &count, err);
    for (size_t i = 0; !rc && i < count; i++) {
        char path[256];
        snprintf(path, sizeof(path), NODE_AGENT "/%s", names[i]);
        rc = domm_store_remove(agent->store, path, err);
    }
    return rc == -DOMM_NOT_FOUND ? 0 : rc;
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

/* Takes note of what dom0 has changed; true if it is the node that all is in. */
static bool take_events(struct agent *agent)
{
    bool renewed = false;
    char *path;
    while ((path = domm_store_changed(agent->store))) {
        bool all = strcmp(path, NODE) == 0;
        renewed |= all;
        agent->ping.seen |= all || strcmp(path, PING_NODE) == 0;
        agent->freezer.seen |= all || strcmp(path, FREEZE_NODE) == 0;
        if (!agent->look && (all || strncmp(path, WANTED_NODE, strlen(WANTED_NODE)) == 0)) {
            agent->look = true;
            agent->look_ms = now_ms() + LOOK_DELAY_MS;
        }
        free(path);
    }
    return renewed;
}

/* Says what it refuses, once. While the node is not there, as during a migration, all stays as it
 * is: an empty list is something else. */
static int look_at_targets(struct agent *agent, struct domm_error *err)
{
    static struct wanted wanted;
    const struct wanted *last = &agent->storage.wanted;
    agent->look = false;
    int rc = wanted_read(agent->store, &wanted, err);
    if (rc)
        return rc == -DOMM_NOT_FOUND || rc == -DOMM_NOT_PERMITTED ? 0 : rc;
    bool known = memcmp(wanted.refused, last->refused, sizeof(wanted.refused)) == 0;
    for (size_t i = 0; !known && i < wanted.n_refused && i < WANTED_REFUSALS; i++)
        domm_log(&agent->log, DOMM_LOG_WARN, "refused %s", wanted.refused[i]);
    agent->storage.wanted = wanted;
    return 0;
}

/* What cannot be set up now is told when dom0 asks. */
static void raise_monitors(const struct wanted *wanted)
{
    for (size_t i = 0; i < wanted->n_targets; i++) {
        for (size_t j = 0; j < wanted->targets[i].n_monitors; j++)
            monitor_raise(wanted->targets[i].monitors[j]);
    }
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* What is asked of the agent by dom0. Sets after how many milliseconds there is more to do. While
 * the other programs rest it says nothing of how they are: it would be no sign of life. */
static int serve_dom0(struct agent *agent, int64_t *rest_r, struct domm_error *err)
{
    *rest_r = freezer_step(&agent->freezer);
    if (agent->freezer.freezing)
        return 0;
    bool late = agent->look && now_ms() >= agent->look_ms;
    int rc = late ? look_at_targets(agent, err) : 0;
    if (late)
        raise_monitors(&agent->storage.wanted);
    int64_t storage_rest = storage_step(&agent->storage);
    /* A ping may be about a target that dom0 has written just before. */
    int64_t rest = agent->look ? agent->look_ms - now_ms() : ping_step(&agent->ping);
    *rest_r = least(*rest_r, least(rest, storage_rest));
    return rc;
}

enum { FD_SIGNAL, FD_STORE, FD_STORAGE, FD_MEMORY, FDS = FD_MEMORY + MEMORY_FDS };

/* Beats every interval, and at once when dom0 has changed the node, until a signal comes. */
static int run(struct agent *agent, int signal_fd, struct domm_error *err)
{
    struct pollfd fds[FDS] = {
        [FD_SIGNAL] = {.fd = signal_fd, .events = POLLIN},
        [FD_STORE] = {.fd = domm_store_fd(agent->store), .events = POLLIN},
        [FD_STORAGE] = {.events = POLLIN},
    };
    int64_t next = now_ms();
    while (!fds[FD_SIGNAL].revents) {
        int64_t rest;
        int rc = 0;
        if (fds[FD_STORE].revents && take_events(agent)) {
            agent->published = false;
            next = now_ms();
        }
        if (now_ms() >= next) {
            rc = beat(agent, err);
            raise_monitors(&agent->storage.wanted);
            next = now_ms() + agent->interval_ms;
        }
        int64_t memory_rest = memory_step(&agent->memory);
        rc = rc ? rc : serve_dom0(agent, &rest, err);
        if (rc)
            return rc;
        rest = least(least(rest, memory_rest), next - now_ms());
        memory_fds(&agent->memory, fds + FD_MEMORY);
        /* Nobody reads it while the other programs rest. */
        fds[FD_STORAGE].fd = agent->freezer.freezing ? -1 : agent->storage.notify;
        if (poll(fds, FDS, rest > 0 ? (int)rest : 0) < 0 && errno != EINTR)
            return domm_fail_errno(err, DOMM_FAILED, errno, "waiting for xenstore");
    }
    return agent->published ? remove_signs(agent, err) : 0;
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

static int work(struct agent *agent, int signal_fd, struct domm_error *err)
{
    int rc = storage_open(&agent->storage, &agent->log, err);
    if (rc)
        return rc;
    agent->ping = (struct ping){.store = agent->store,
                                .log = &agent->log,
                                .memory = &agent->memory,
                                .storage = &agent->storage};
    freezer_open(&agent->freezer, agent->store, &agent->log);
    memory_open(&agent->memory, &agent->log);
    rc = run(agent, signal_fd, err);
    freezer_thaw(FREEZER_LIST);
    memory_close(&agent->memory);
    storage_close(&agent->storage);
    return rc;
}

/* domM's own root may lie on the server that it watches: the agent is to say that it does not
 * answer, and not to wait for a page of its own program. Where this is not permitted, it may have
 * to. Before there are threads, whose whole stacks would be locked. */
static void stay_in_memory(void)
{
    mlockall(MCL_CURRENT);
}

static int serve(struct agent *agent, struct domm_error *err)
{
    stay_in_memory();
    freezer_thaw(FREEZER_LIST); /* what an agent that was killed has left at rest */
    cleanup_fd int signal_fd = open_signals();
    if (signal_fd < 0)
        return domm_fail_errno(err, DOMM_FAILED, errno, "listening for signals");
    int rc = domm_store_open(&agent->store, err);
    if (rc)
        return rc;
    rc = refuse_dom0(agent->store, err);
    if (!rc)
        rc = domm_store_watch(agent->store, NODE, err);
    if (!rc)
        rc = work(agent, signal_fd, err);
    domm_store_close(agent->store);
    return rc;
}

static int parse_interval(struct agent *agent, struct domm_error *err)
{
    int seconds;
    int rc = parse_seconds("interval", optarg, MAX_INTERVAL, &seconds, err);
    if (!rc)
        agent->interval_ms = (int64_t)seconds * 1000;
    return rc;
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
            rc = parse_interval(agent, err);
        else if (option == 'V')
            rc = print_and_leave("domm-agent " PACKAGE_VERSION, done_r, err);
        else if (option == 'h')
            rc = print_and_leave(
                "Usage: domm-agent [-i|--interval SECONDS]\n\n"
                "Tells dom0 through xenstore that this domM is alive and how its work goes,\n"
                "offers the memory of its targets as read-only files, and mounts their\n"
                "storage.\n"
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
    static struct agent agent = {.interval_ms = INTERVAL_S * 1000};
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
