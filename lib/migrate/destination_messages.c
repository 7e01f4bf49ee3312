/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Messages of the destination, and its acceptance of guests' streams. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/migrate/destination_internal.h"
#include "lib/migrate/ready.h"
#include "lib/stream/receiver.h"
#include "lib/xen/domain.h"

static int take_guest(struct domm_destination *destination, const struct domm_message_guest *facts,
                      struct domm_error *err)
{
    if (destination->described[facts->guest])
        return domm_fail(err, DOMM_REFUSED, "guest %u was described twice", facts->guest);
    destination->described[facts->guest] = true;
    destination->session.guests[facts->guest].facts = *facts;
    return 0;
}

/* Each message is valid in one state only. */
static int check_open(const struct domm_session *session, enum domm_migration_state state,
                      struct domm_error *err)
{
    return session->machine.state == state
               ? 0
               : domm_fail(err, DOMM_REFUSED, "the source sent a message at the wrong time");
}

/* libxl wants its JSON with a terminator; a NUL within would cut it short. */
static int finish_config(struct domm_session_guest *guest, struct domm_error *err)
{
    struct domm_chunks *config = &guest->config;
    const struct domm_message_chunk terminator = {
        .offset = (uint32_t)config->size, .size = 1, .bytes = (const unsigned char *)""};
    if (config->size != guest->facts.config_bytes ||
        memchr(config->bytes, '\0', config->size) != NULL)
        return domm_fail(err, DOMM_REFUSED, "the configuration of %s is incomplete",
                         guest->facts.name);
    return domm_chunks_add(config, &terminator, DOMM_WIRE_MAX_CONFIG + 1, err);
}

static int check_described(struct domm_destination *destination, struct domm_error *err)
{
    struct domm_session *session = &destination->session;
    int rc = 0;
    for (unsigned int g = 0; !rc && g < DOMM_MAX_GUESTS; g++) {
        if (destination->described[g] != (g < domm_session_guest_count(session)))
            rc = domm_fail(err, DOMM_REFUSED,
                           "guest %u was described but not offered, or the reverse", g);
    }
    for (unsigned int g = 0; !rc && g < domm_session_guest_count(session); g++)
        rc = finish_config(&session->guests[g], err);
    return rc;
}

/* The record must name the offered targets, in the same order. */
static int take_record(struct domm_destination *destination, struct domm_error *err)
{
    struct domm_session *session = &destination->session;
    int rc = domm_record_parse((const char *)destination->record.bytes, destination->record.size,
                               &session->record, err);
    if (rc)
        return domm_wrap(err, "the record of the monitor");
    bool same = session->record.n_targets == session->offer.n_targets;
    for (size_t i = 0; same && i < session->record.n_targets; i++)
        same =
            domm_uuid_equal(&session->record.targets[i].uuid, &session->guests[i + 1].facts.uuid);
    return same ? 0 : domm_fail(err, DOMM_REFUSED, "the record of the monitor names other targets");
}

static int take_offer(struct domm_destination *destination, const struct domm_message_offer *offer,
                      struct domm_error *err)
{
    struct domm_session *session = &destination->session;
    session->offer = *offer;
    session->report.migration = offer->migration;
    session->report.n_targets = offer->n_targets;
    int rc = check_described(destination, err);
    if (rc)
        return rc;
    rc = take_record(destination, err);
    if (rc)
        return rc;
    rc = session->preflight ? 0 : domm_session_begin_journal(session, false, err);
    if (rc)
        return rc;
    domm_machine_learn(&session->machine, offer->n_targets, offer->on_not_ready);
    return 0;
}

static int take_go(struct domm_destination *destination, struct domm_error *err)
{
    destination->prepare_ns = domm_now_ns();
    if (!destination->sealed)
        return domm_fail(err, DOMM_REFUSED, "the mapping state is missing");
    return domm_chunks_verify(&destination->session.state_bytes, &destination->seal, err);
}

static int destination_receive_message(struct domm_session *session,
                                       const struct domm_message *message, struct domm_error *err)
{
    struct domm_destination *destination = domm_destination_of(session);
    int rc;
    switch (message->type) {
    case DOMM_MESSAGE_HELLO:
        rc = check_open(session, DOMM_DST_LISTENING, err);
        if (rc)
            return rc;
        return domm_session_take_hello(session, &message->hello, err);
    case DOMM_MESSAGE_GUEST:
        rc = check_open(session, DOMM_DST_GREETED, err);
        if (rc)
            return rc;
        return take_guest(destination, &message->guest, err);
    case DOMM_MESSAGE_CONFIG:
        rc = check_open(session, DOMM_DST_GREETED, err);
        if (rc)
            return rc;
        return domm_chunks_add(&session->guests[message->chunk.guest].config, &message->chunk,
                               DOMM_WIRE_MAX_CONFIG, err);
    case DOMM_MESSAGE_RECORD:
        rc = check_open(session, DOMM_DST_GREETED, err);
        if (rc)
            return rc;
        return domm_chunks_add(&destination->record, &message->chunk, DOMM_RECORD_MAX_BYTES, err);
    case DOMM_MESSAGE_OFFER:
        rc = check_open(session, DOMM_DST_GREETED, err);
        if (rc)
            return rc;
        return take_offer(destination, &message->offer, err);
    case DOMM_MESSAGE_STATE:
        rc = check_open(session, DOMM_DST_RECEIVING, err);
        if (rc)
            return rc;
        return domm_chunks_add(&session->state_bytes, &message->chunk, DOMM_WIRE_MAX_STATE, err);
    case DOMM_MESSAGE_STATE_END:
        destination->sealed = true;
        destination->seal = message->state_end;
        return check_open(session, DOMM_DST_RECEIVING, err);
    case DOMM_MESSAGE_PREPARE:
        rc = check_open(session, DOMM_DST_RECEIVING, err);
        if (rc)
            return rc;
        return take_go(destination, err);
    default:
        return 0;
    }
}

static uint64_t since_go(const struct domm_destination *destination, uint64_t when_ns)
{
    return when_ns > destination->prepare_ns ? when_ns - destination->prepare_ns : 1;
}

static uint64_t marked(const struct domm_destination *destination, unsigned int g,
                       enum domm_mark mark)
{
    uint64_t at = destination->session.report.guests[g].marks[mark];
    return at == DOMM_NEVER ? 0 : since_go(destination, at + destination->session.began_ns);
}

/* A target that was released while the monitor was not ready runs unmonitored until now. */
static void destination_count_unmonitored(struct domm_destination *destination, unsigned int g,
                                          struct domm_message_figures *figures)
{
    struct domm_session *session = &destination->session;
    struct domm_error ignored;
    const uint64_t *marks = session->report.guests[g].marks;
    uint64_t until = destination->ready_ns ? destination->ready_ns - session->began_ns
                                           : domm_session_now(session);
    figures->unmonitored_cpu = session->guests[g].cpu_ns;
    if (!destination->ready_ns && session->guests[g].may_run)
        (void)domm_xen_cpu_time(session->xen, session->guests[g].domid, &figures->unmonitored_cpu,
                                &ignored);
    if (marks[DOMM_MARK_RESUMED] < until)
        figures->unmonitored_wall = until - marks[DOMM_MARK_RESUMED];
}

static int send_figures(struct domm_destination *destination, struct domm_error *err)
{
    struct domm_session *session = &destination->session;
    int rc = 0;
    for (unsigned int g = 0; !rc && g < domm_session_guest_count(session); g++) {
        struct domm_message message = {.type = DOMM_MESSAGE_FIGURES};
        message.figures = (struct domm_message_figures){
            .guest = g,
            .restored = marked(destination, g, DOMM_MARK_RESTORED),
            .resumed = marked(destination, g, DOMM_MARK_RESUMED),
        };
        if (g > 0)
            destination_count_unmonitored(destination, g, &message.figures);
        else
            message.figures.ptes = destination->ptes;
        if (g == 0 && destination->ready_ns)
            message.figures.ready = since_go(destination, destination->ready_ns);
        rc = domm_control_link_send(&session->link, &message, err);
    }
    return rc;
}

static enum domm_migration_outcome outcome_of(enum domm_migration_state state)
{
    if (state == DOMM_DST_HELD)
        return DOMM_MIGRATION_HELD;
    return state == DOMM_DST_IMPAIRED ? DOMM_MIGRATION_IMPAIRED : DOMM_MIGRATION_MOVED;
}

static int destination_send_with_payload(struct domm_session *session, struct domm_message *message,
                                         struct domm_error *err)
{
    struct domm_destination *destination = domm_destination_of(session);
    struct domm_message streams = {.type = DOMM_MESSAGE_STREAMS, .streams = destination->endpoint};
    switch (message->type) {
    case DOMM_MESSAGE_HELLO:
        return domm_session_make_hello(session, &message->hello, err);
    case DOMM_MESSAGE_ACCEPT:
        return domm_control_link_send(&session->link, &streams, err);
    case DOMM_MESSAGE_FINISHED:
        message->finished = (struct domm_message_finished){
            .outcome = outcome_of(session->machine.state),
            .unmonitored = session->machine.unmonitored || session->offer.unsynchronised,
            .restarted = session->machine.restarted,
        };
        return send_figures(destination, err);
    default:
        return 0;
    }
}

static void destination_take_progress(struct domm_session *session, unsigned int g,
                                      const struct domm_progress *progress)
{
    if (progress->kind == DOMM_PROGRESS_RESTORED)
        domm_session_mark(session, g, DOMM_MARK_RESTORED, progress->when_ns);
}

static int start_receiver(struct domm_destination *destination, unsigned int g, int fd,
                          struct domm_error *err)
{
    struct domm_session *session = &destination->session;
    if (g >= domm_session_guest_count(session) || destination->brought[g])
        return domm_fail(err, DOMM_REFUSED, "the stream of guest %u is unexpected or a duplicate",
                         g);
    const struct domm_receiver receiver = {.log = &session->transfers_log,
                                           .json = (const char *)session->guests[g].config.bytes,
                                           .name = session->guests[g].facts.name};
    struct domm_child child;
    destination->brought[g] = true;
    int rc = domm_receiver_start(session->xen, &receiver, fd, &child, err);
    if (rc)
        return rc;
    domm_transfers_add(&session->transfers, g, &child);
    destination->streams[g] = fd;
    return 0;
}

/* A stream may still arrive after PREPARE. */
static bool wants_streams(const struct domm_destination *destination)
{
    enum domm_migration_state state = destination->session.machine.state;
    return destination->acceptor && (state == DOMM_DST_RECEIVING || state == DOMM_DST_PREPARING);
}

static int destination_tick(struct domm_session *session)
{
    struct domm_destination *destination = domm_destination_of(session);
    struct domm_error err;
    unsigned int guest = 0;
    int fd = 0;
    while (fd >= 0 && wants_streams(destination)) {
        int rc = domm_acceptor_take(destination->acceptor, &guest, &fd, &err);
        if (!rc && fd >= 0) {
            rc = start_receiver(destination, guest, fd, &err);
            if (rc)
                close(fd);
        }
        if (rc)
            domm_log(session->log, DOMM_LOG_WARN, "%s", err.text);
    }
    return 1000;
}

static int destination_fd(struct domm_session *session)
{
    struct domm_destination *destination = domm_destination_of(session);
    return wants_streams(destination) ? domm_acceptor_fd(destination->acceptor) : -1;
}

const struct domm_session_ops domm_destination_ops = {
    .run = domm_destination_step,
    .undo = domm_destination_undo,
    .look = domm_ready_look,
    .receive = destination_receive_message,
    .send = destination_send_with_payload,
    .progress = destination_take_progress,
    .tick = destination_tick,
    .fd = destination_fd,
};
