/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the destination says and hears, and where guests' streams arrive. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/move/destination-internal.h"
#include "lib/save/receiver.h"
#include "lib/xen/needs.h"

static int take_guest(struct domm_destination *destination, const struct domm_wire_guest *facts,
                      struct domm_error *err)
{
    if (destination->described[facts->guest])
        return domm_fail(err, DOMM_REFUSED, "guest %u was described twice", facts->guest);
    destination->described[facts->guest] = true;
    destination->end.guests[facts->guest].facts = *facts;
    return 0;
}

/* Only until the offer is made. */
static int check_open(const struct domm_end *end, enum domm_move_state state,
                      struct domm_error *err)
{
    return end->machine.state == state
               ? 0
               : domm_fail(err, DOMM_REFUSED, "a message came at the wrong time");
}

/* libxl wants its JSON with a terminator; a NUL within would cut it short. */
static int finish_config(struct domm_end_guest *guest, struct domm_error *err)
{
    struct domm_blob *config = &guest->config;
    const struct domm_wire_chunk terminator = {
        .offset = (uint32_t)config->size, .size = 1, .bytes = (const unsigned char *)""};
    if (config->size != guest->facts.config_bytes ||
        memchr(config->bytes, '\0', config->size) != NULL)
        return domm_fail(err, DOMM_REFUSED, "the configuration of %s came in part only",
                         guest->facts.name);
    return domm_blob_add(config, &terminator, DOMM_WIRE_MAX_CONFIG + 1, err);
}

static int check_described(struct domm_destination *destination, struct domm_error *err)
{
    struct domm_end *end = &destination->end;
    int rc = 0;
    for (unsigned int g = 0; !rc && g < DOMM_MOVERS; g++) {
        if (destination->described[g] != (g < domm_end_guests(end)))
            rc = domm_fail(err, DOMM_REFUSED, "guest %u was not described, or not offered", g);
    }
    for (unsigned int g = 0; !rc && g < domm_end_guests(end); g++)
        rc = finish_config(&end->guests[g], err);
    return rc;
}

/* domM's record and the guests that come have to be of the same pair. */
static int take_record(struct domm_destination *destination, struct domm_error *err)
{
    struct domm_end *end = &destination->end;
    int rc = domm_record_parse((const char *)destination->record.bytes, destination->record.size,
                               &end->record, err);
    if (rc)
        return domm_wrap(err, "the record of domM");
    bool same = end->record.n_targets == end->offer.n_targets;
    for (size_t i = 0; same && i < end->record.n_targets; i++)
        same = domm_uuid_equal(&end->record.targets[i].uuid, &end->guests[i + 1].facts.uuid);
    return same ? 0 : domm_fail(err, DOMM_REFUSED, "the record of domM names other targets");
}

static int take_offer(struct domm_destination *destination, const struct domm_wire_offer *offer,
                      struct domm_error *err)
{
    struct domm_end *end = &destination->end;
    end->offer = *offer;
    end->report.migration = offer->migration;
    end->report.n_targets = offer->n_targets;
    int rc = check_described(destination, err);
    rc = rc ? rc : take_record(destination, err);
    rc = rc ? rc : domm_end_begin_journal(end, false, err);
    if (!rc)
        domm_machine_learn(&end->machine, offer->n_targets, offer->on_not_ready);
    return rc;
}

static int take_go(struct domm_destination *destination, struct domm_error *err)
{
    destination->go_ns = domm_child_now_ns();
    if (!destination->sealed)
        return domm_fail(err, DOMM_REFUSED, "the mapping state did not come");
    return domm_blob_verify(&destination->end.state_bytes, &destination->seal, err);
}

static int hear(struct domm_end *end, const struct domm_wire *message, struct domm_error *err)
{
    struct domm_destination *destination = domm_destination_of(end);
    int rc;
    switch (message->type) {
    case DOMM_MESSAGE_HELLO:
        rc = check_open(end, DOMM_DST_LISTENING, err);
        return rc ? rc : domm_end_agree(end, &message->hello, err);
    case DOMM_MESSAGE_GUEST:
        rc = check_open(end, DOMM_DST_GREETED, err);
        return rc ? rc : take_guest(destination, &message->guest, err);
    case DOMM_MESSAGE_CONFIG:
        rc = check_open(end, DOMM_DST_GREETED, err);
        return rc ? rc
                  : domm_blob_add(&end->guests[message->chunk.guest].config, &message->chunk,
                                  DOMM_WIRE_MAX_CONFIG, err);
    case DOMM_MESSAGE_RECORD:
        rc = check_open(end, DOMM_DST_GREETED, err);
        return rc ? rc
                  : domm_blob_add(&destination->record, &message->chunk, DOMM_RECORD_MAX_BYTES,
                                  err);
    case DOMM_MESSAGE_OFFER:
        rc = check_open(end, DOMM_DST_GREETED, err);
        return rc ? rc : take_offer(destination, &message->offer, err);
    case DOMM_MESSAGE_STATE:
        rc = check_open(end, DOMM_DST_RECEIVING, err);
        return rc ? rc
                  : domm_blob_add(&end->state_bytes, &message->chunk, DOMM_WIRE_MAX_STATE, err);
    case DOMM_MESSAGE_STATE_END:
        destination->sealed = true;
        destination->seal = message->end;
        return check_open(end, DOMM_DST_RECEIVING, err);
    case DOMM_MESSAGE_GO:
        rc = check_open(end, DOMM_DST_RECEIVING, err);
        return rc ? rc : take_go(destination, err);
    default:
        return 0;
    }
}

static uint64_t since_go(const struct domm_destination *destination, uint64_t when_ns)
{
    return when_ns > destination->go_ns ? when_ns - destination->go_ns : 1;
}

static uint64_t marked(const struct domm_destination *destination, unsigned int g,
                       enum domm_mark mark)
{
    uint64_t at = destination->end.report.guests[g].marks[mark];
    return at == DOMM_NEVER ? 0 : since_go(destination, at + destination->end.began_ns);
}

/* A target that was let run although domM is not ready runs unmonitored until now. */
static void count_unmonitored(struct domm_destination *destination, unsigned int g,
                              struct domm_wire_figures *figures)
{
    struct domm_end *end = &destination->end;
    struct domm_error ignored;
    const uint64_t *marks = end->report.guests[g].marks;
    uint64_t until =
        destination->ready_ns ? destination->ready_ns - end->began_ns : domm_end_now(end);
    figures->unmonitored_cpu = end->guests[g].cpu_ns;
    if (!destination->ready_ns && end->guests[g].may_run)
        (void)domm_xen_cpu_time(end->xen, end->guests[g].domid, &figures->unmonitored_cpu,
                                &ignored);
    if (marks[DOMM_MARK_RESUMED] < until)
        figures->unmonitored_wall = until - marks[DOMM_MARK_RESUMED];
}

static int say_figures(struct domm_destination *destination, struct domm_error *err)
{
    struct domm_end *end = &destination->end;
    int rc = 0;
    for (unsigned int g = 0; !rc && g < domm_end_guests(end); g++) {
        struct domm_wire message = {.type = DOMM_MESSAGE_FIGURES};
        message.figures = (struct domm_wire_figures){
            .guest = g,
            .restored = marked(destination, g, DOMM_MARK_RESTORED),
            .resumed = marked(destination, g, DOMM_MARK_RESUMED),
        };
        if (g > 0)
            count_unmonitored(destination, g, &message.figures);
        else
            message.figures.ptes = destination->ptes;
        if (g == 0 && destination->ready_ns)
            message.figures.ready = since_go(destination, destination->ready_ns);
        rc = domm_peer_say(&end->peer, &message, err);
    }
    return rc;
}

static enum domm_wire_outcome outcome_of(enum domm_move_state state)
{
    if (state == DOMM_DST_HELD)
        return DOMM_WIRE_HELD;
    return state == DOMM_DST_IMPAIRED ? DOMM_WIRE_IMPAIRED : DOMM_WIRE_MOVED;
}

static int say(struct domm_end *end, struct domm_wire *message, struct domm_error *err)
{
    struct domm_destination *destination = domm_destination_of(end);
    struct domm_wire streams = {.type = DOMM_MESSAGE_STREAMS, .streams = destination->places};
    switch (message->type) {
    case DOMM_MESSAGE_HELLO:
        return domm_end_hello(end, &message->hello, err);
    case DOMM_MESSAGE_ACCEPT:
        return domm_peer_say(&end->peer, &streams, err);
    case DOMM_MESSAGE_FINISHED:
        message->finished = (struct domm_wire_finished){
            .outcome = outcome_of(end->machine.state),
            .unmonitored = end->machine.unmonitored || end->offer.unsynchronised,
            .restarted = end->machine.restarted,
        };
        return say_figures(destination, err);
    default:
        return 0;
    }
}

static void take_news(struct domm_end *end, unsigned int g, const struct domm_news *news)
{
    if (news->kind == DOMM_NEWS_RESTORED)
        domm_end_mark(end, g, DOMM_MARK_RESTORED, news->when_ns);
}

static int start_receiver(struct domm_destination *destination, unsigned int g, int fd,
                          struct domm_error *err)
{
    struct domm_end *end = &destination->end;
    if (g >= domm_end_guests(end) || destination->brought[g])
        return domm_fail(err, DOMM_REFUSED, "a stream of guest %u came, or came twice", g);
    const struct domm_receiver receiver = {.log = &end->movers_log,
                                           .json = (const char *)end->guests[g].config.bytes,
                                           .name = end->guests[g].facts.name};
    struct domm_child child;
    destination->brought[g] = true;
    int rc = domm_receiver_start(end->xen, &receiver, fd, &child, err);
    if (rc)
        return rc;
    domm_movers_add(&end->movers, g, &child);
    destination->streams[g] = fd;
    return 0;
}

/* Streams are wanted once the guests are admitted; one may yet be on its way when GO has come. */
static bool wants_streams(const struct domm_destination *destination)
{
    enum domm_move_state state = destination->end.machine.state;
    return destination->door && (state == DOMM_DST_RECEIVING || state == DOMM_DST_PREPARING);
}

static int tick(struct domm_end *end)
{
    struct domm_destination *destination = domm_destination_of(end);
    struct domm_error err;
    unsigned int guest = 0;
    int fd = 0;
    while (fd >= 0 && wants_streams(destination)) {
        int rc = domm_door_take(destination->door, &guest, &fd, &err);
        if (!rc && fd >= 0) {
            rc = start_receiver(destination, guest, fd, &err);
            if (rc)
                close(fd);
        }
        if (rc)
            domm_log(end->log, DOMM_LOG_WARN, "%s", err.text);
    }
    return 1000;
}

static int fd(struct domm_end *end)
{
    struct domm_destination *destination = domm_destination_of(end);
    return wants_streams(destination) ? domm_door_fd(destination->door) : -1;
}

const struct domm_end_ops domm_destination_ops = {
    .run = domm_destination_step,
    .undo = domm_destination_undo,
    .look = domm_end_ready,
    .hear = hear,
    .say = say,
    .news = take_news,
    .tick = tick,
    .fd = fd,
};
