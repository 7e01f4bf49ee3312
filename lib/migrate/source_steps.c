/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/sleep.h"
#include "lib/migrate/ready.h"
#include "lib/migrate/source_internal.h"
#include "lib/pair/agent_client.h"
#include "lib/pair/expectation.h"
#include "lib/pair/locks.h"
#include "lib/pair/mirrors.h"
#include "lib/stream/saver.h"
#include "lib/xen/domain.h"
#include "lib/xen/save.h"
#include "lib/xen/suspend.h"

#define GRACE_MS 10000
#define ENOUGH_PAGES 1024 /* 4 MiB: an idle guest writes about as much */
#define FINAL_COPY_MS 300u
#define FREEZE_MS 5000

/* Of one guest. The limit for all of them may be lower. */
static unsigned final_copy_ms(const struct domm_source_options *options)
{
    return options->max_downtime_ms && options->max_downtime_ms < FINAL_COPY_MS
               ? options->max_downtime_ms
               : FINAL_COPY_MS;
}

/* Only the saver keeps the stream open, so that the stream ends with it. */
static int source_copy(struct domm_source *source, unsigned int g, struct domm_error *err)
{
    struct domm_session *session = &source->session;
    bool pv = session->guests[g].facts.kind == DOMM_GUEST_KIND_PV;
    const struct domm_route route = {.data = source->options.data,
                                     .host = source->options.host,
                                     .ssh = source->options.ssh,
                                     .migration = session->offer.migration,
                                     .streams = source->endpoint,
                                     .shared = &source->shared[g]};
    const struct domm_saver saver = {.log = &session->transfers_log,
                                     .domid = session->guests[g].domid,
                                     .way = pv ? DOMM_SAVER_COMPARED : DOMM_SAVER_TRACKED,
                                     .pause = pv,
                                     .verify = source->options.verify,
                                     .enough_pages = ENOUGH_PAGES,
                                     .final_copy_ms = final_copy_ms(&source->options)};
    struct domm_child child;
    int rc = domm_stream_connect(&route, g, &source->streams[g], err);
    if (rc)
        return rc;
    domm_session_mark(session, g, DOMM_MARK_COPY, domm_now_ns());
    rc = domm_saver_start(session->xen, &saver, source->streams[g].fd, &child, err);
    close(source->streams[g].fd);
    source->streams[g].fd = -1;
    if (rc)
        return rc;
    domm_transfers_add(&session->transfers, g, &child);
    return 0;
}

static int source_stop(struct domm_session *session, unsigned int g, struct domm_error *err)
{
    struct domm_progress progress;
    domm_session_mark(session, g, DOMM_MARK_STOP, domm_now_ns());
    int rc = domm_transfers_command(&session->transfers, g, DOMM_COMMAND_STOP, err);
    if (rc)
        return rc;
    return domm_transfers_await(&session->transfers, g, DOMM_PROGRESS_SUSPENDED, &progress, err);
}

/* From here on the targets run unmonitored. */
static int note_cpu(struct domm_source *source, struct domm_error *err)
{
    struct domm_session *session = &source->session;
    int rc = 0;
    source->monitor_stop_ns = domm_now_ns();
    for (unsigned int g = 1; !rc && g < domm_session_guest_count(session); g++)
        rc = domm_xen_cpu_time(session->xen, session->guests[g].domid, &session->guests[g].cpu_ns,
                               err);
    return rc;
}

/* From here on the monitor does not monitor. dommd must still answer: a program that waits for it
 * cannot be frozen. */
static int source_freeze(struct domm_session *session, struct domm_error *err)
{
    bool rest;
    int rc = domm_agent_freeze(session->store, session->guests[0].domid, FREEZE_MS, &rest, err);
    if (!rc && !rest)
        domm_log(session->log, DOMM_LOG_WARN,
                 "the agent in %s does not confirm that its programs are frozen",
                 session->guests[0].facts.name);
    return rc;
}

/* Counts the packets that have left the queues to the monitor vifs, less those that others have
 * sent to the targets (drain.h). Only differences between two counts mean something. */
static int count_balance(struct domm_session *session, uint64_t *balance_r, struct domm_error *err)
{
    int rc = 0;
    *balance_r = 0;
    for (unsigned int g = 1; !rc && g < domm_session_guest_count(session); g++) {
        const struct domm_record_target *target = &session->record.targets[g - 1];
        for (size_t i = 0; !rc && i < target->n_mirrors; i++) {
            struct domm_mirror_ends ends;
            struct domm_mirror_state state = {0};
            rc = domm_mirror_ends(session->xen, session->netlink, session->guests[g].domid,
                                  session->guests[0].domid, &target->mirrors[i], &ends, err);
            if (!rc && ends.target_ifindex && ends.monitor_ifindex)
                rc =
                    domm_mirror_measure(session->netlink, ends.target_ifindex, ends.monitor_ifindex,
                                        &target->mirrors[i].selection, &state, err);
            *balance_r += state.monitor.tx_packets + domm_mirror_dropped(&state) -
                          (state.received.packets - state.received.drops);
        }
    }
    return rc;
}

/* The first count of two (drain.h). A monitor that was stopped out of order, for a test, takes
 * nothing any more. */
static int begin_drain(struct domm_source *source, struct domm_error *err)
{
    uint64_t balance;
    if (source->monitor_stop_ns)
        return 0;
    int rc = count_balance(&source->session, &balance, err);
    if (!rc)
        domm_drain_begin(&source->drain, balance, domm_now_ms());
    return rc;
}

static bool has_mirrors(const struct domm_session *session)
{
    size_t count = 0;
    for (size_t i = 0; i < session->record.n_targets; i++)
        count += session->record.targets[i].n_mirrors;
    return count > 0;
}

/* The absence of packets is no event: sleeps for the rest of the time. */
static int end_drain(struct domm_source *source, struct domm_error *err)
{
    struct domm_session *session = &source->session;
    if (source->options.unsynchronised || !has_mirrors(session))
        return 0;
    for (;;) {
        uint64_t balance;
        int rc = count_balance(session, &balance, err);
        int64_t left_ms = rc ? 0 : domm_drain_count(&source->drain, balance, domm_now_ms());
        if (!left_ms)
            return rc;
        domm_sleep_ms((unsigned int)left_ms);
    }
}

static int stop_monitor(struct domm_source *source, struct domm_error *err)
{
    struct domm_session *session = &source->session;
    if (source->monitor_stop_ns) /* already stopped, in a test that does not synchronise */
        return 0;
    int rc = note_cpu(source, err);
    if (rc)
        return rc;
    rc = source_freeze(session, err);
    if (rc)
        return rc;
    rc = end_drain(source, err);
    if (rc)
        return rc;
    rc = domm_session_lock_tables(session, err);
    if (rc)
        return rc;
    return source_stop(session, 0, err);
}

/* A target's final copy continues while the monitor still monitors it. */
static int stop_target(struct domm_source *source, unsigned int g, struct domm_error *err)
{
    struct domm_session *session = &source->session;
    int rc = g == 1 ? domm_session_pass(session, DOMM_PHASE_STOP, err) : 0;
    if (rc)
        return rc;
    session->report.predicted_copies = domm_prediction_copies(&source->prediction);
    session->report.predicted_rest = source->prediction.rest_ns;
    rc = source->options.unsynchronised ? stop_monitor(source, err) : 0;
    if (rc)
        return rc;
    rc = source_stop(session, g, err);
    if (rc)
        return rc;
    return domm_transfers_command(&session->transfers, g, DOMM_COMMAND_FINISH, err);
}

static int source_clear(struct domm_source *source, struct domm_error *err)
{
    struct domm_session *session = &source->session;
    struct domm_layout layout;
    uint32_t monitor = session->guests[0].domid;
    int rc = domm_hv_layout(session->hv, monitor, &layout, err);
    if (rc)
        return rc;
    rc = domm_mapping_state_clear(session->hv, monitor, &layout, &source->state, err);
    domm_hv_layout_free(session->hv, &layout);
    return rc;
}

/* Kept in the journal before the page tables change: it must survive the death of this process. */
static int source_detach(struct domm_source *source, struct domm_error *err)
{
    struct domm_session *session = &source->session;
    struct domm_session_pair *pair;
    int rc = domm_session_pair(session, false, &pair, err);
    if (rc)
        return rc;
    rc = domm_mapping_state_take(session->hv, &pair->pair, &source->state, err);
    domm_session_pair_free(session, pair);
    if (rc)
        return rc;
    rc = domm_mapping_state_encode(&source->state, &session->state_bytes.bytes,
                                   &session->state_bytes.size, err);
    if (rc)
        return rc;
    rc = domm_journal_keep(session->journal, DOMM_JOURNAL_STATE, session->state_bytes.bytes,
                           session->state_bytes.size, err);
    if (rc)
        return rc;
    source->taken = true;
    return source_clear(source, err);
}

/* An incomplete clear is completed first, since entries in use cannot be written. Once the monitor
 * has run again the mapping state no longer fits, so it must not survive a crash. */
static int source_reattach(struct domm_source *source, struct domm_error *err)
{
    struct domm_mapping_written written;
    if (!source->taken)
        return 0;
    int rc = source_clear(source, err);
    if (rc)
        return rc;
    rc = domm_session_write_state(&source->session, false, &source->state, &written, err);
    if (rc)
        return rc;
    source->taken = false;
    return domm_journal_drop(source->session.journal, DOMM_JOURNAL_STATE, err);
}

static int source_finish(struct domm_session *session, unsigned int g, struct domm_error *err)
{
    struct domm_progress progress;
    int rc = g ? 0 : domm_transfers_command(&session->transfers, g, DOMM_COMMAND_FINISH, err);
    if (rc)
        return rc;
    rc = domm_transfers_await(&session->transfers, g, DOMM_PROGRESS_SENT, &progress, err);
    if (rc || !progress.abandoned)
        return rc;
    /* The destination would keep their stale content as memory of the guest. */
    return domm_fail(err, DOMM_FAILED, "it has returned %llu pages to Xen while it was copied",
                     (unsigned long long)progress.abandoned);
}

/* The destination has confirmed that it has the guests: it tells of them from now on. */
static void expect_no_more(const struct domm_session *session)
{
    struct domm_error err;
    if (domm_expectations_end(&session->guests[0].facts.uuid, NULL, &err))
        domm_log(session->log, DOMM_LOG_WARN, "%s", err.text);
}

static int source_destroy(struct domm_session *session, unsigned int g, struct domm_error *err)
{
    if (g == 0)
        expect_no_more(session);
    domm_transfers_end(&session->transfers, g, GRACE_MS);
    int rc = domm_xen_destroy(session->xen, session->guests[g].domid, err);
    return rc == -DOMM_NOT_FOUND ? 0 : rc;
}

int domm_source_step(struct domm_session *session, enum domm_step step, unsigned int g,
                     struct domm_error *err)
{
    struct domm_source *source = domm_source_of(session);
    switch (step) {
    case DOMM_STEP_CHECK:
        return domm_source_check(source, err);
    case DOMM_STEP_LOCK:
        return domm_session_lock_guests(session, err);
    case DOMM_STEP_COPY:
        return source_copy(source, g, err);
    case DOMM_STEP_STOP:
        return stop_target(source, g, err);
    case DOMM_STEP_DRAIN:
        return begin_drain(source, err);
    case DOMM_STEP_STOP_MONITOR:
        return stop_monitor(source, err);
    case DOMM_STEP_DETACH:
        return source_detach(source, err);
    case DOMM_STEP_FINISH:
        return source_finish(session, g, err);
    case DOMM_STEP_SEND_STATE: /* PREPARE is sent after it */
        return 0;
    case DOMM_STEP_RENAME_AWAY:
        return domm_session_rename(session, g, DOMM_AWAY, true, err);
    case DOMM_STEP_DECIDE:
        return domm_journal_decide(session->journal, "decided", err);
    case DOMM_STEP_DESTROY:
        return source_destroy(session, g, err);
    case DOMM_STEP_REPLACE:
        return domm_session_renew_monitor(session, err);
    default:
        return domm_fail(err, DOMM_FAILED, "not a step of the source");
    }
}

static bool has_its_name(struct domm_session *session, unsigned int g)
{
    struct domm_domain *domains;
    struct domm_error ignored;
    size_t count;
    bool has = false;
    if (domm_xen_domains(session->xen, &domains, &count, &ignored))
        return false;
    for (size_t i = 0; i < count; i++)
        has |= domains[i].domid == session->guests[g].domid &&
               strcmp(domains[i].name, session->guests[g].facts.name) == 0;
    domm_domains_free(domains, count);
    return has;
}

/* A saver that writes to a dead connection would not read its command to end. */
static void end_saver(struct domm_session *session, unsigned int g)
{
    domm_stream_cut(&domm_source_of(session)->streams[g]);
    domm_transfers_end(&session->transfers, g, GRACE_MS);
}

static int source_resume(struct domm_session *session, unsigned int g, struct domm_error *err)
{
    end_saver(session, g);
    int rc = domm_xen_resume(session->xen, session->guests[g].domid, err);
    if (rc)
        return rc;
    domm_session_mark(session, g, DOMM_MARK_RESUMED, domm_now_ns());
    return 0;
}

static int resume_and_thaw(struct domm_session *session, struct domm_error *err)
{
    int rc = source_resume(session, 0, err);
    if (rc)
        return rc;
    return domm_agent_thaw(session->store, session->guests[0].domid, err);
}

static int resume_monitor(struct domm_source *source, struct domm_error *err)
{
    struct domm_session *session = &source->session;
    int rc = resume_and_thaw(session, err);
    source->monitor_stop_ns = 0;
    source->tables_held = true;
    return rc;
}

/* dommd takes a monitor whose page tables it finds free for one that another program suspends, and
 * removes its mappings, if it hears of the suspend only now. */
static int let_go_of_tables(struct domm_source *source, struct domm_error *err)
{
    struct domm_session *session = &source->session;
    if (!source->tables_held)
        return 0;
    if (domm_service_runs() &&
        !domm_guest_is_locked(DOMM_LOCK_SEEN, &session->guests[0].facts.uuid))
        return domm_fail(err, DOMM_PREFLIGHT, "dommd does not respond");
    source->tables_held = false;
    domm_session_unlock_tables(session);
    return 0;
}

int domm_source_look(struct domm_session *session, struct domm_error *err)
{
    int rc = let_go_of_tables(domm_source_of(session), err);
    if (rc)
        return rc;
    return domm_ready_look(session, err);
}

int domm_source_undo(struct domm_session *session, enum domm_step step, unsigned int g,
                     struct domm_error *err)
{
    struct domm_source *source = domm_source_of(session);
    switch (step) {
    case DOMM_STEP_LOCK:
        domm_session_unlock_guests(session);
        return 0;
    case DOMM_STEP_COPY:
        end_saver(session, g);
        domm_stream_close(&source->streams[g]);
        return 0;
    case DOMM_STEP_STOP:
        return source_resume(session, g, err);
    case DOMM_STEP_STOP_MONITOR:
        return resume_monitor(source, err);
    case DOMM_STEP_DETACH:
        return source_reattach(source, err);
    case DOMM_STEP_RENAME_AWAY:
        return has_its_name(session, g) ? 0
                                        : domm_session_rename(session, g, DOMM_AWAY, false, err);
    case DOMM_STEP_DECIDE:
        return domm_journal_decide(session->journal, "undecided", err);
    default:
        return domm_fail(err, DOMM_FAILED, "not a step of the source");
    }
}
