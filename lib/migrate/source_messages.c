/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Messages of the source, and its evaluation of the savers' progress. */
#include <stdio.h>
#include <string.h>

#include "lib/migrate/source_internal.h"
#include "lib/xen/domain.h"

/* Sends the bytes in pieces, as messages of one type. */
static int send_chunks(struct domm_session *session, enum domm_message_type type,
                       unsigned int guest, const unsigned char *bytes, size_t size,
                       struct domm_error *err)
{
    int rc = 0;
    for (size_t at = 0; !rc && at < size; at += DOMM_WIRE_MAX_CHUNK) {
        struct domm_message message = {.type = type};
        size_t left = size - at;
        message.chunk = (struct domm_message_chunk){
            .guest = guest,
            .offset = (uint32_t)at,
            .size = (uint32_t)(left < DOMM_WIRE_MAX_CHUNK ? left : DOMM_WIRE_MAX_CHUNK),
            .bytes = bytes + at};
        rc = domm_control_link_send(&session->link, &message, err);
    }
    return rc;
}

static int send_guests(struct domm_session *session, struct domm_error *err)
{
    cleanup_free char *record = NULL;
    for (unsigned int g = 0; g < domm_session_guest_count(session); g++) {
        const struct domm_message message = {.type = DOMM_MESSAGE_GUEST,
                                             .guest = session->guests[g].facts};
        const struct domm_chunks *config = &session->guests[g].config;
        int rc = domm_control_link_send(&session->link, &message, err);
        if (rc)
            return rc;
        rc = send_chunks(session, DOMM_MESSAGE_CONFIG, g, config->bytes, config->size, err);
        if (rc)
            return rc;
    }
    int rc = domm_record_format(&session->record, &record, err);
    if (rc)
        return rc;
    return send_chunks(session, DOMM_MESSAGE_RECORD, 0, (const unsigned char *)record,
                       strlen(record), err);
}

static int send_mapping_state(struct domm_session *session, struct domm_error *err)
{
    struct domm_message message = {.type = DOMM_MESSAGE_STATE_END};
    int rc = domm_chunks_seal(&session->state_bytes, &message.state_end, err);
    if (rc)
        return rc;
    rc = send_chunks(session, DOMM_MESSAGE_STATE, 0, session->state_bytes.bytes,
                     session->state_bytes.size, err);
    if (rc)
        return rc;
    return domm_control_link_send(&session->link, &message, err);
}

static int source_send_with_payload(struct domm_session *session, struct domm_message *message,
                                    struct domm_error *err)
{
    int rc;
    switch (message->type) {
    case DOMM_MESSAGE_HELLO:
        rc = domm_source_link_open(domm_source_of(session), err);
        if (rc)
            return rc;
        return domm_session_make_hello(session, &message->hello, err);
    case DOMM_MESSAGE_OFFER:
        message->offer = session->offer;
        return send_guests(session, err);
    case DOMM_MESSAGE_PREPARE:
        domm_source_of(session)->prepare_ns = domm_session_now(session);
        return send_mapping_state(session, err);
    default:
        return 0;
    }
}

/* How long the targets ran since the monitor was told to stop: in CPU time by Xen's account, and in
 * wall time until each stopped. */
static void source_count_unmonitored(struct domm_source *source)
{
    struct domm_session *session = &source->session;
    uint64_t from = source->monitor_stop_ns - session->began_ns;
    for (unsigned int g = 1; g < domm_session_guest_count(session); g++) {
        struct domm_report_guest *report = &session->report.guests[g];
        struct domm_error ignored;
        uint64_t cpu_ns = 0, stopped = report->marks[DOMM_MARK_STOPPED];
        if (domm_xen_cpu_time(session->xen, session->guests[g].domid, &cpu_ns, &ignored) == 0)
            report->unmonitored_cpu = cpu_ns - session->guests[g].cpu_ns;
        report->unmonitored_wall = stopped != DOMM_NEVER && stopped > from ? stopped - from : 0;
    }
}

/* The relays count as they send; a saver tells of its bytes only after each round. */
static void source_count_bytes(struct domm_source *source)
{
    for (unsigned int g = 0; g < domm_session_guest_count(&source->session); g++) {
        struct domm_report_guest *report = &source->session.report.guests[g];
        uint64_t bytes = __atomic_load_n(&source->shared[g].bytes, __ATOMIC_RELAXED);
        report->bytes = bytes > report->bytes ? bytes : report->bytes;
        report->wire_bytes = __atomic_load_n(&source->shared[g].wire_bytes, __ATOMIC_RELAXED);
    }
}

static int source_receive_message(struct domm_session *session, const struct domm_message *message,
                                  struct domm_error *err)
{
    struct domm_source *source = domm_source_of(session);
    switch (message->type) {
    case DOMM_MESSAGE_HELLO:
        return domm_session_take_hello(session, &message->hello, err);
    case DOMM_MESSAGE_STREAMS:
        source->endpoint = message->streams;
        return 0;
    case DOMM_MESSAGE_ACCEPT:
        if (source->options.preflight)
            domm_session_raise(session, (struct domm_event){.type = DOMM_EVENT_ABORT});
        return 0;
    case DOMM_MESSAGE_PREPARED: /* no guest of the source runs now or before the answer */
        source_count_unmonitored(source);
        source_count_bytes(source);
        return 0;
    case DOMM_MESSAGE_FIGURES:
        domm_report_add_figures(&session->report, &message->figures, source->prepare_ns,
                                domm_session_now(session));
        return 0;
    case DOMM_MESSAGE_FINISHED:
        session->report.outcome = message->finished.outcome;
        session->report.unmonitored |= message->finished.unmonitored;
        session->report.restarted |= message->finished.restarted;
        return 0;
    default:
        return 0;
    }
}

static bool all_settled(const struct domm_source *source)
{
    bool settled = true;
    for (unsigned int g = 0; g < domm_session_guest_count(&source->session); g++)
        settled &= source->settled[g];
    return settled;
}

static void take_round(struct domm_source *source, unsigned int g,
                       const struct domm_progress *progress)
{
    struct domm_session *session = &source->session;
    uint64_t at = progress->when_ns > session->began_ns ? progress->when_ns - session->began_ns : 0;
    domm_report_add_round(&session->report.guests[g], at, progress->bytes, progress->dirty_pages);
    source->settled[g] = progress->settled;
    domm_prediction_take(&source->prediction, g, progress->final_ns, all_settled(source));
    bool fits = domm_prediction_fits(&source->prediction, domm_session_guest_count(session));
    if (progress->converged && session->report.guests[g].marks[DOMM_MARK_CONVERGED] == DOMM_NEVER)
        domm_session_mark(session, g, DOMM_MARK_CONVERGED, progress->when_ns);
    domm_session_raise(session, (struct domm_event){.type = progress->converged && fits
                                                                ? DOMM_EVENT_CONVERGED
                                                                : DOMM_EVENT_DIVERGED,
                                                    .guest = g});
}

static void source_take_progress(struct domm_session *session, unsigned int g,
                                 const struct domm_progress *progress)
{
    struct domm_report_guest *report = &session->report.guests[g];
    report->rounds = progress->rounds > report->rounds ? progress->rounds : report->rounds;
    report->bytes = progress->bytes > report->bytes ? progress->bytes : report->bytes;
    switch (progress->kind) {
    case DOMM_PROGRESS_ROUND:
        take_round(domm_source_of(session), g, progress);
        return;
    case DOMM_PROGRESS_SUSPENDED:
        domm_session_mark(session, g, DOMM_MARK_STOPPED, progress->when_ns);
        report->final_bytes = progress->bytes;
        return;
    case DOMM_PROGRESS_SENT:
        domm_session_mark(session, g, DOMM_MARK_SENT, progress->when_ns);
        report->final_bytes = progress->bytes - report->final_bytes;
        return;
    default:
        return;
    }
}

/* With --on-busy force, guests that no longer converge are stopped before the time limit. */
static bool is_time(const struct domm_source *source, uint64_t elapsed_ms)
{
    return (source->options.force_busy ? all_settled(source)
                                       : domm_prediction_is_hopeless(&source->prediction)) ||
           elapsed_ms > source->options.timeout_s * UINT64_C(1000);
}

static void say_too_long(const struct domm_source *source, struct domm_error *err)
{
    const struct domm_prediction *prediction = &source->prediction;
    domm_fail(err, DOMM_ROLLED_BACK,
              "the targets would stand still for about %u ms, and --max-downtime is %u: the copies "
              "would take %u ms, the rest %u ms as in the last migration to %s",
              (unsigned int)(domm_prediction_downtime(prediction) / 1000000),
              (unsigned int)(prediction->limit_ns / 1000000),
              (unsigned int)(domm_prediction_copies(prediction) / 1000000),
              (unsigned int)(prediction->rest_ns / 1000000), source->options.host);
    domm_hint(err, "use a larger --max-downtime, or --on-busy force");
}

static void say_busy(const struct domm_source *source, struct domm_error *err)
{
    domm_fail(
        err, DOMM_ROLLED_BACK,
        "pre-copy did not converge within %u s: the guests write faster than they can be sent",
        source->options.timeout_s);
    domm_hint(err, "use a longer --timeout, or --on-busy force");
}

static int source_tick(struct domm_session *session)
{
    struct domm_source *source = domm_source_of(session);
    const uint64_t *marks = session->report.guests[0].marks;
    struct domm_error reason;
    source_count_bytes(source);
    if (session->machine.state != DOMM_SRC_COPYING || source->limited ||
        marks[DOMM_MARK_COPY] == DOMM_NEVER ||
        !is_time(source, (domm_session_now(session) - marks[DOMM_MARK_COPY]) / 1000000))
        return 500;
    source->limited = true;
    if (!source->options.force_busy) {
        if (domm_prediction_fits(&source->prediction, domm_session_guest_count(session)))
            say_busy(source, &reason);
        else
            say_too_long(source, &reason);
        domm_session_record_first_error(session, &reason);
    }
    domm_session_raise(session, (struct domm_event){.type = DOMM_EVENT_LIMIT});
    return 0;
}

static int source_fd(struct domm_session *session)
{
    (void)session;
    return -1;
}

const struct domm_session_ops domm_source_ops = {
    .run = domm_source_step,
    .undo = domm_source_undo,
    .look = domm_source_look,
    .receive = source_receive_message,
    .send = source_send_with_payload,
    .progress = source_take_progress,
    .tick = source_tick,
    .tune = domm_source_tune,
    .fd = source_fd,
};
