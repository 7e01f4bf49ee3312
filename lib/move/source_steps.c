/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/rest.h"
#include "lib/move/source-internal.h"
#include "lib/pair/answer.h"
#include "lib/pair/mirrors.h"
#include "lib/save/saver.h"
#include "lib/xen/guest.h"
#include "lib/xen/needs.h"
#include "lib/xen/save.h"

#define GRACE_MS 10000
#define ENOUGH_PAGES 1024 /* 4 MiB: what a guest writes by merely living */
#define FREEZE_MS 5000
#define DRAIN_LOOKS 40
#define DRAIN_LOOK_MS 50

/* The stream is the saver's alone: when it ends, so does the stream. But a connection of TCP, which
 * leads through nobody who could be ended, is kept to be cut. */
static int copy(struct domm_source *source, unsigned int g, struct domm_error *err)
{
    struct domm_end *end = &source->end;
    bool pv = end->guests[g].facts.kind == DOMM_WIRE_PV;
    const struct domm_route route = {.data = source->options.data,
                                     .host = source->options.host,
                                     .ssh = source->options.ssh,
                                     .migration = end->offer.migration,
                                     .streams = source->places,
                                     .bytes_per_s =
                                         source->options.bytes_per_s / domm_end_guests(end)};
    const struct domm_saver saver = {.log = &end->movers_log,
                                     .domid = end->guests[g].domid,
                                     .way = pv ? DOMM_SAVER_COMPARED : DOMM_SAVER_TRACKED,
                                     .pause = pv,
                                     .verify = source->options.verify,
                                     .enough_pages = ENOUGH_PAGES,
                                     .max_downtime_ms = source->options.max_downtime_ms};
    struct domm_child child;
    int rc = domm_stream_connect(&route, g, &source->streams[g], err);
    if (rc)
        return rc;
    domm_end_mark(end, g, DOMM_MARK_COPY, domm_child_now_ns());
    rc = domm_saver_start(end->xen, &saver, source->streams[g].fd, &child, err);
    if (source->streams[g].ssh || source->streams[g].relay) {
        close(source->streams[g].fd);
        source->streams[g].fd = -1;
    }
    if (!rc)
        domm_movers_add(&end->movers, g, &child);
    return rc;
}

static int stop(struct domm_end *end, unsigned int g, struct domm_error *err)
{
    struct domm_news news;
    domm_end_mark(end, g, DOMM_MARK_STOP, domm_child_now_ns());
    int rc = domm_movers_tell(&end->movers, g, DOMM_COMMAND_STOP, err);
    return rc ? rc : domm_movers_await(&end->movers, g, DOMM_NEWS_SUSPENDED, &news, err);
}

/* What a target runs from here on, it runs unmonitored. */
static int note_cpu(struct domm_source *source, struct domm_error *err)
{
    struct domm_end *end = &source->end;
    int rc = 0;
    source->domm_stop_ns = domm_child_now_ns();
    for (unsigned int g = 1; !rc && g < domm_end_guests(end); g++)
        rc = domm_xen_cpu_time(end->xen, end->guests[g].domid, &end->guests[g].cpu_ns, err);
    return rc;
}

/* From here on domM monitors nothing. While dommd still answers: who waits for it cannot rest. */
static int freeze(struct domm_end *end, struct domm_error *err)
{
    bool rest;
    int rc = domm_agent_freeze(end->store, end->guests[0].domid, FREEZE_MS, &rest, err);
    if (!rc && !rest)
        domm_log(end->log, DOMM_LOG_WARN, "the agent in %s does not say that its programs rest",
                 end->guests[0].facts.name);
    return rc;
}

static int stop_domm(struct domm_source *source, struct domm_error *err)
{
    struct domm_end *end = &source->end;
    if (source->domm_stop_ns) /* out of order, for a test */
        return 0;
    int rc = note_cpu(source, err);
    rc = rc ? rc : freeze(end, err);
    rc = rc ? rc : domm_end_take_tables(end, err);
    return rc ? rc : stop(end, 0, err);
}

/* A target's final copy goes on while domM still looks at it. */
static int stop_target(struct domm_source *source, unsigned int g, struct domm_error *err)
{
    struct domm_end *end = &source->end;
    int rc = source->options.unsynchronised ? stop_domm(source, err) : 0;
    rc = rc ? rc : stop(end, g, err);
    return rc ? rc : domm_movers_tell(&end->movers, g, DOMM_COMMAND_FINISH, err);
}

/* Packets that have been handed to domM, over all its monitor vifs. */
static int count_delivered(struct domm_end *end, uint64_t *packets_r, struct domm_error *err)
{
    int rc = 0;
    *packets_r = 0;
    for (unsigned int g = 1; !rc && g < domm_end_guests(end); g++) {
        const struct domm_record_target *target = &end->record.targets[g - 1];
        for (size_t i = 0; !rc && i < target->n_mirrors; i++) {
            struct domm_mirror_ends ends;
            struct domm_link link = {0};
            rc = domm_mirror_ends(end->xen, end->netlink, end->guests[g].domid,
                                  end->guests[0].domid, &target->mirrors[i], &ends, err);
            if (!rc && ends.monitor_ifindex)
                rc = domm_link_by_index(end->netlink, ends.monitor_ifindex, &link, err);
            *packets_r += link.tx_packets;
        }
    }
    return rc;
}

/*
 * The targets have sent their last packets; what of them still waits in a queue is on its way to
 * domM, which runs. All of it has arrived when nothing more comes. Packets that others send to a
 * target go on being mirrored, so the time is bounded.
 */
static int drain(struct domm_end *end, struct domm_error *err)
{
    uint64_t before, now = 0;
    int rc = count_delivered(end, &before, err);
    for (int i = 0; !rc && i < DRAIN_LOOKS; i++) {
        domm_rest_ms(DRAIN_LOOK_MS);
        rc = count_delivered(end, &now, err);
        if (now == before)
            break;
        before = now;
    }
    return rc;
}

static int clear(struct domm_source *source, struct domm_error *err)
{
    struct domm_end *end = &source->end;
    struct domm_layout layout;
    uint32_t domm = end->guests[0].domid;
    int rc = domm_memory_layout(end->memory, domm, &layout, err);
    if (rc)
        return rc;
    rc = domm_state_clear(end->memory, domm, &layout, &source->state, err);
    domm_memory_layout_free(end->memory, &layout);
    return rc;
}

/* Written down before the page tables change: a crash must not lose it. */
static int detach(struct domm_source *source, struct domm_error *err)
{
    struct domm_end *end = &source->end;
    struct domm_end_pair *pair;
    int rc = domm_end_pair(end, false, &pair, err);
    if (rc)
        return rc;
    rc = domm_state_take(end->memory, &pair->pair, &source->state, err);
    domm_end_pair_free(end, pair);
    if (rc)
        return rc;
    rc = domm_state_encode(&source->state, &end->state_bytes.bytes, &end->state_bytes.size, err);
    rc = rc ? rc
            : domm_journal_keep(end->journal, DOMM_JOURNAL_STATE, end->state_bytes.bytes,
                                end->state_bytes.size, err);
    if (rc)
        return rc;
    source->taken = true;
    return clear(source, err);
}

/* What was cleared in part only is cleared whole first: entries that are in use are refused. Once
 * domM has run again the state no longer fits it, and must not be found after a crash. */
static int reattach(struct domm_source *source, struct domm_error *err)
{
    struct domm_state_written written;
    if (!source->taken)
        return 0;
    int rc = clear(source, err);
    rc = rc ? rc : domm_end_write_state(&source->end, false, &source->state, &written, err);
    if (rc)
        return rc;
    source->taken = false;
    return domm_journal_drop(source->end.journal, DOMM_JOURNAL_STATE, err);
}

static int finish(struct domm_end *end, unsigned int g, struct domm_error *err)
{
    struct domm_news news;
    int rc = g ? 0 : domm_movers_tell(&end->movers, g, DOMM_COMMAND_FINISH, err);
    rc = rc ? rc : domm_movers_await(&end->movers, g, DOMM_NEWS_SENT, &news, err);
    if (rc || !news.abandoned)
        return rc;
    /* They would stay behind at the destination as memory that it does not know of. */
    return domm_fail(err, DOMM_FAILED, "it has given away %llu pages while it was copied",
                     (unsigned long long)news.abandoned);
}

static int destroy(struct domm_end *end, unsigned int g, struct domm_error *err)
{
    domm_movers_end(&end->movers, g, GRACE_MS);
    int rc = domm_xen_destroy(end->xen, end->guests[g].domid, err);
    return rc == -DOMM_NOT_FOUND ? 0 : rc;
}

int domm_source_step(struct domm_end *end, enum domm_step step, unsigned int g,
                     struct domm_error *err)
{
    struct domm_source *source = domm_source_of(end);
    switch (step) {
    case DOMM_STEP_CHECK:
        return domm_source_check(source, err);
    case DOMM_STEP_LOCK:
        return domm_end_lock_guests(end, err);
    case DOMM_STEP_COPY:
        return copy(source, g, err);
    case DOMM_STEP_STOP:
        return stop_target(source, g, err);
    case DOMM_STEP_DRAIN:
        return drain(end, err);
    case DOMM_STEP_STOP_DOMM:
        return stop_domm(source, err);
    case DOMM_STEP_DETACH:
        return detach(source, err);
    case DOMM_STEP_FINISH:
        return finish(end, g, err);
    case DOMM_STEP_SEND_STATE: /* GO is said after it */
        return 0;
    case DOMM_STEP_RENAME_AWAY:
        return domm_end_rename(end, g, DOMM_AWAY, true, err);
    case DOMM_STEP_DECIDE:
        return domm_journal_note(end->journal, "decided", json_object_new_object(), err);
    case DOMM_STEP_DESTROY:
        return destroy(end, g, err);
    case DOMM_STEP_REPLACE:
        return domm_end_renew_domm(end, err);
    default:
        return domm_fail(err, DOMM_FAILED, "it is no step of the source");
    }
}

static bool has_its_name(struct domm_end *end, unsigned int g)
{
    struct domm_domain *domains;
    struct domm_error ignored;
    size_t count;
    bool has = false;
    if (domm_xen_domains(end->xen, &domains, &count, &ignored))
        return false;
    for (size_t i = 0; i < count; i++)
        has |= domains[i].domid == end->guests[g].domid &&
               strcmp(domains[i].name, end->guests[g].facts.name) == 0;
    domm_domains_free(domains, count);
    return has;
}

/* One that writes to a link that is dead would not hear that it is to end. */
static void end_saver(struct domm_end *end, unsigned int g)
{
    domm_stream_cut(&domm_source_of(end)->streams[g]);
    domm_movers_end(&end->movers, g, GRACE_MS);
}

static int resume(struct domm_end *end, unsigned int g, struct domm_error *err)
{
    end_saver(end, g);
    int rc = domm_xen_resume(end->xen, end->guests[g].domid, err);
    if (!rc)
        domm_end_mark(end, g, DOMM_MARK_RESUMED, domm_child_now_ns());
    return rc;
}

static int resume_domm(struct domm_source *source, struct domm_error *err)
{
    struct domm_end *end = &source->end;
    int rc = resume(end, 0, err);
    rc = rc ? rc : domm_agent_thaw(end->store, end->guests[0].domid, err);
    source->domm_stop_ns = 0;
    domm_end_give_tables(end);
    return rc;
}

int domm_source_undo(struct domm_end *end, enum domm_step step, unsigned int g,
                     struct domm_error *err)
{
    struct domm_source *source = domm_source_of(end);
    switch (step) {
    case DOMM_STEP_LOCK:
        domm_end_unlock_guests(end);
        return 0;
    case DOMM_STEP_COPY:
        end_saver(end, g);
        domm_stream_close(&source->streams[g]);
        return 0;
    case DOMM_STEP_STOP:
        return resume(end, g, err);
    case DOMM_STEP_STOP_DOMM:
        return resume_domm(source, err);
    case DOMM_STEP_DETACH:
        return reattach(source, err);
    case DOMM_STEP_RENAME_AWAY:
        return has_its_name(end, g) ? 0 : domm_end_rename(end, g, DOMM_AWAY, false, err);
    case DOMM_STEP_DECIDE:
        return domm_journal_note(end->journal, "undecided", json_object_new_object(), err);
    default:
        return domm_fail(err, DOMM_FAILED, "it is no step of the source");
    }
}
