/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * domm-agent runs inside a monitor. It offers the memory of the targets as files (memory.h), mounts
 * their storage (storage.h), freezes the other programs before a suspend (freezer.h), and reports
 * to dom0 in xenstore, in domm/agent below the guest's home: that user space is alive (here), and
 * what it sees (ping.h). All xenstore paths are relative, so a migration, which changes the home,
 * needs no special case: the nodes are missing until dom0 has created `domm` again.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "cmd/agent/freezer.h"
#include "cmd/agent/memory.h"
#include "cmd/agent/monitor_vif.h"
#include "cmd/agent/ping.h"
#include "cmd/agent/storage.h"
#include "cmd/agent/wanted.h"
#include "cmd/shared/event_loop.h"
#include "cmd/shared/program.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/base/log.h"
#include "lib/xen/store.h"

#define NODE "domm"              /* created by dom0 */
#define NODE_AGENT NODE "/agent" /* created by dom0, writable for this guest */

#define INTERVAL_S 5
#define MAX_INTERVAL 3600

struct agent {
    struct domm_store *store;
    struct domm_log log;
    sd_event *event;
    sd_event_source *beat_timer;   /* the next sign of life */
    sd_event_source *timer;        /* the next thing that dom0 has asked for */
    sd_event_source *storage_news; /* from the threads that look after storage */
    sd_event_source *store_news;   /* from xenstore */
    sd_event_source *groups_news;  /* from the groups that the freezer has frozen */
    int rc;                        /* what has ended the loop, 0 if a signal has */
    struct domm_error *err;        /* the same in words */
    int64_t interval_ms;
    bool published;
    bool logged_waiting;
    uint64_t beats;
    bool look;       /* dom0 may have changed the list of targets */
    bool changed;    /* … and has, or none is known */
    int64_t look_ms; /* not earlier: dom0 writes many nodes */
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
    if (rc)
        return rc;
    return domm_store_write(agent->store, NODE_AGENT "/alive", beats, err);
}

/* Removes all but the node itself, which belongs to dom0. */
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

/* A missing node is not an error: dom0 has not created it yet, or has removed it. */
static int beat(struct agent *agent, struct domm_error *err)
{
    int rc = write_signs(agent, err);
    bool waiting = rc == -DOMM_NOT_FOUND || rc == -DOMM_NOT_PERMITTED;
    if (rc && !waiting)
        return rc;
    if (waiting && !agent->logged_waiting)
        domm_log(&agent->log, DOMM_LOG_INFO, "waiting for dom0 to create the xenstore node " NODE);
    if (!waiting && !agent->published)
        domm_log(&agent->log, DOMM_LOG_INFO, "publishing signs of life in " NODE_AGENT);
    agent->logged_waiting = waiting;
    agent->published = !waiting;
    return 0;
}

/* Records what dom0 has changed. Returns true if the node `domm` itself has changed. */
static bool agent_take_events(struct agent *agent)
{
    bool renewed = false;
    char *path;
    while ((path = domm_store_changed(agent->store))) {
        bool all = strcmp(path, NODE) == 0;
        renewed |= all;
        agent->ping.seen |= all || strcmp(path, PING_NODE) == 0;
        agent->freezer.seen |= all || strcmp(path, FREEZE_NODE) == 0;
        bool listed = strncmp(path, WANTED_NODE, strlen(WANTED_NODE)) == 0;
        if (all || listed) {
            agent->changed |= listed || !agent->storage.wanted.n_targets;
            agent->look_ms = agent->look ? agent->look_ms : domm_now_ms() + LOOK_DELAY_MS;
            agent->look = true;
        }
        free(path);
    }
    return renewed;
}

/* Reads the list of targets, and logs each invalid entry once. While the node is missing, as during
 * a migration, everything stays; an empty list is different. */
static int look_at_targets(struct agent *agent, struct domm_error *err)
{
    static struct wanted wanted;
    const struct wanted *last = &agent->storage.wanted;
    agent->look = agent->changed = false;
    int rc = wanted_read(agent->store, &wanted, err);
    if (rc)
        return rc == -DOMM_NOT_FOUND || rc == -DOMM_NOT_PERMITTED ? 0 : rc;
    bool known = memcmp(wanted.refused, last->refused, sizeof(wanted.refused)) == 0;
    for (size_t i = 0; !known && i < wanted.n_refused && i < WANTED_REFUSALS; i++)
        domm_log(&agent->log, DOMM_LOG_WARN, "ignoring %s", wanted.refused[i]);
    agent->storage.wanted = wanted;
    return 0;
}

/* Failures are reported when dom0 asks. */
static void raise_monitor_vifs(const struct wanted *wanted)
{
    for (size_t i = 0; i < wanted->n_targets; i++) {
        for (size_t j = 0; j < wanted->targets[i].n_monitor_vifs; j++)
            monitor_vif_raise(wanted->targets[i].monitor_vifs[j]);
    }
}

/* The shorter of two times to wait; a negative one means none. */
static int64_t earlier(int64_t a, int64_t b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

static int end_loop(struct agent *agent, int rc)
{
    agent->rc = rc;
    return sd_event_exit(agent->event, 0);
}

/* After a migration, which has made all nodes anew, the targets are those that are known. They
 * stand still until the ping is answered: all else waits for that. */
static bool only_ping_matters(const struct agent *agent)
{
    return agent->look && !agent->changed && (agent->ping.seen || agent->ping.measuring);
}

static bool is_look_due(const struct agent *agent)
{
    return agent->look && !only_ping_matters(agent);
}

/* Shortens *next_r to the milliseconds until there is more to do; negative: there is nothing. */
static int serve_targets(struct agent *agent, int64_t *next_r, struct domm_error *err)
{
    int rc = 0;
    if (is_look_due(agent) && domm_now_ms() >= agent->look_ms) {
        rc = look_at_targets(agent, err);
        raise_monitor_vifs(&agent->storage.wanted);
    }
    *next_r = earlier(*next_r, storage_step(&agent->storage));
    /* The ping may concern a target that dom0 has just added. */
    if (!agent->changed)
        *next_r = earlier(*next_r, ping_step(&agent->ping));
    if (is_look_due(agent))
        *next_r = earlier(*next_r, ms_until(agent->look_ms));
    return rc;
}

/* Handles dom0's requests. While the other programs are frozen, pings are not answered, since the
 * answer would be no sign of life, and no storage is looked at. Once they are frozen, dommd is not
 * followed: after a migration, where all mappings are claimed anew, the ping comes first. */
static int serve_dom0(struct agent *agent)
{
    int64_t next = freezer_step(&agent->freezer);
    bool frozen = agent->freezer.freezing;
    if (frozen)
        ping_postpone(&agent->ping);
    int rc = frozen ? 0 : serve_targets(agent, &next, agent->err);
    storage_rest(&agent->storage, frozen); /* after the ping has asked it: it looks once */
    memory_freeze(&agent->memory, frozen);
    freezer_answer(&agent->freezer, !frozen || !storage_is_looking(&agent->storage));
    memory_rest(&agent->memory, frozen ? agent->freezer.complete : only_ping_matters(agent));
    event_timer_set(agent->timer, next);
    return rc ? end_loop(agent, rc) : 0;
}

static int agent_on_timer(sd_event_source *source, uint64_t usec, void *agent)
{
    (void)source;
    (void)usec;
    return serve_dom0(agent);
}

static int on_news(sd_event_source *source, int fd, uint32_t events, void *agent)
{
    (void)source;
    (void)fd;
    (void)events;
    return serve_dom0(agent);
}

static int on_beat_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
    struct agent *agent = userdata;
    (void)source;
    (void)usec;
    if (only_ping_matters(agent)) { /* the answer is a sign of life as well */
        event_timer_set(agent->beat_timer, LOOK_DELAY_MS);
        return 0;
    }
    int rc = beat(agent, agent->err);
    if (rc)
        return end_loop(agent, rc);
    raise_monitor_vifs(&agent->storage.wanted);
    event_timer_set(agent->beat_timer, agent->interval_ms);
    return 0;
}

static int on_store(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    struct agent *agent = userdata;
    (void)source;
    (void)fd;
    (void)events;
    if (agent_take_events(agent)) {
        agent->published = false;
        event_timer_set(agent->beat_timer, 0);
    }
    return serve_dom0(agent);
}

static int add_sources(struct agent *agent, struct domm_error *err)
{
    sd_event *event = agent->event;
    int rc = event_loop_add_timer(event, on_beat_timer, agent, &agent->beat_timer, err);
    if (rc)
        return rc;
    rc = event_loop_add_timer(event, agent_on_timer, agent, &agent->timer, err);
    if (rc)
        return rc;
    rc = event_loop_add_io(event, agent->storage.notify, on_news, agent, &agent->storage_news, err);
    if (rc)
        return rc;
    rc = event_loop_add_io(event, domm_store_fd(agent->store), on_store, agent, &agent->store_news,
                           err);
    if (rc)
        return rc;
    /* dom0 waits for answers while targets stand still: the channel to dommd comes after them. */
    sd_event_source_set_priority(agent->store_news, SD_EVENT_PRIORITY_IMPORTANT);
    sd_event_source_set_priority(agent->storage_news, SD_EVENT_PRIORITY_IMPORTANT);
    if (agent->freezer.changes < 0)
        return 0;
    return event_loop_add_io(event, agent->freezer.changes, on_news, agent, &agent->groups_news,
                             err);
}

/* Gives a sign of life at each interval, and at once when dom0 changes the node, until a signal
 * arrives. */
static int agent_run(struct agent *agent, struct domm_error *err)
{
    int rc = add_sources(agent, err);
    if (rc)
        return rc;
    rc = memory_open(&agent->memory, agent->event, &agent->log, err);
    if (rc)
        return rc;
    agent->err = err;
    event_timer_set(agent->beat_timer, 0);
    event_timer_set(agent->timer, 0);
    rc = event_loop_run(agent->event, err);
    sd_event_source_disable_unref(agent->beat_timer);
    sd_event_source_disable_unref(agent->timer);
    sd_event_source_disable_unref(agent->storage_news);
    sd_event_source_disable_unref(agent->groups_news);
    sd_event_source_disable_unref(agent->store_news);
    if (rc)
        return rc;
    rc = agent->rc;
    return rc || !agent->published ? rc : remove_signs(agent, err);
}

/* dom0 has a home in xenstore as well, but is not a monitor. */
static int refuse_dom0(struct domm_store *store, struct domm_error *err)
{
    cleanup_free char *domid = NULL;
    int rc = domm_store_read(store, "domid", &domid, err);
    if (rc || strcmp(domid, "0") != 0)
        return rc;
    domm_fail(err, DOMM_NOT_PERMITTED, "this is dom0, not a monitor");
    return domm_hint(err, "run domm-agent inside a monitor");
}

static int agent_work(struct agent *agent, struct domm_error *err)
{
    int rc = storage_open(&agent->storage, &agent->log, err);
    if (rc)
        return rc;
    agent->ping = (struct ping){.store = agent->store,
                                .log = &agent->log,
                                .memory = &agent->memory,
                                .storage = &agent->storage};
    freezer_open(&agent->freezer, agent->store, &agent->log);
    rc = agent_run(agent, err);
    freezer_close(&agent->freezer);
    memory_close(&agent->memory);
    storage_close(&agent->storage);
    return rc;
}

/* Locks the agent's memory. The monitor's root may be on the server that it monitors: the agent
 * must report that the server does not answer, and must not wait for a page of its own program.
 * Called before threads exist, since their whole stacks would be locked. Failure is ignored: the
 * agent may have to wait then. */
static void stay_in_memory(void)
{
    mlockall(MCL_CURRENT);
}

static int open_and_work(struct agent *agent, struct domm_error *err)
{
    int rc = event_loop_new(&agent->event, err);
    if (rc)
        return rc;
    rc = domm_store_open(&agent->store, err);
    if (rc)
        return rc;
    rc = refuse_dom0(agent->store, err);
    if (rc)
        return rc;
    rc = domm_store_watch(agent->store, NODE, err);
    if (rc)
        return rc;
    return agent_work(agent, err);
}

static int serve(struct agent *agent, struct domm_error *err)
{
    stay_in_memory();
    freezer_thaw(FREEZER_LIST); /* groups that a killed agent has left frozen */
    int rc = open_and_work(agent, err);
    domm_store_close(agent->store);
    sd_event_unref(agent->event);
    return rc;
}

static int parse_interval(struct agent *agent, struct domm_error *err)
{
    int seconds;
    int rc = parse_seconds("interval", optarg, MAX_INTERVAL, &seconds, err);
    if (rc)
        return rc;
    agent->interval_ms = (int64_t)seconds * 1000;
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
            rc = parse_interval(agent, err);
        else if (option == 'V')
            rc = print_and_leave("domm-agent " PACKAGE_VERSION, done_r, err);
        else if (option == 'h')
            rc = print_and_leave(
                "Usage: domm-agent [-i|--interval SECONDS]\n\n"
                "Runs in a monitor: offers the memory of its targets as read-only files,\n"
                "mounts their storage, and reports to dom0 through xenstore.\n"
                "See domm-agent(8).",
                done_r, err);
        else
            rc = domm_fail(err, DOMM_USAGE, "unknown option or missing argument: '%s'",
                           argv[optind - 1]);
    }
    if (!rc && !*done_r && optind < argc)
        rc = domm_fail(err, DOMM_USAGE, "unexpected argument '%s'", argv[optind]);
    return rc == -DOMM_USAGE ? domm_hint(err, "see domm-agent --help") : rc;
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
