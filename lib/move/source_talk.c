/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the source says and hears, and what it makes of its savers' news. */
#include <stdio.h>
#include <string.h>

#include "lib/move/source-internal.h"
#include "lib/xen/needs.h"

/* In pieces of one type. */
static int say_bytes(struct domm_end *end, enum domm_message type, unsigned int guest,
                     const unsigned char *bytes, size_t size, struct domm_error *err)
{
    int rc = 0;
    for (size_t at = 0; !rc && at < size; at += DOMM_WIRE_MAX_CHUNK) {
        struct domm_wire message = {.type = type};
        size_t left = size - at;
        message.chunk = (struct domm_wire_chunk){
            .guest = guest,
            .offset = (uint32_t)at,
            .size = (uint32_t)(left < DOMM_WIRE_MAX_CHUNK ? left : DOMM_WIRE_MAX_CHUNK),
            .bytes = bytes + at};
        rc = domm_peer_say(&end->peer, &message, err);
    }
    return rc;
}

static int say_guests(struct domm_end *end, struct domm_error *err)
{
    cleanup_free char *record = NULL;
    int rc = 0;
    for (unsigned int g = 0; !rc && g < domm_end_guests(end); g++) {
        const struct domm_wire message = {.type = DOMM_MESSAGE_GUEST,
                                          .guest = end->guests[g].facts};
        const struct domm_blob *config = &end->guests[g].config;
        rc = domm_peer_say(&end->peer, &message, err);
        rc = rc ? rc : say_bytes(end, DOMM_MESSAGE_CONFIG, g, config->bytes, config->size, err);
    }
    rc = rc ? rc : domm_record_format(&end->record, &record, err);
    return rc ? rc
              : say_bytes(end, DOMM_MESSAGE_RECORD, 0, (const unsigned char *)record,
                          strlen(record), err);
}

static int say_state(struct domm_end *end, struct domm_error *err)
{
    struct domm_wire message = {.type = DOMM_MESSAGE_STATE_END};
    int rc = domm_blob_seal(&end->state_bytes, &message.end, err);
    rc = rc ? rc
            : say_bytes(end, DOMM_MESSAGE_STATE, 0, end->state_bytes.bytes, end->state_bytes.size,
                        err);
    return rc ? rc : domm_peer_say(&end->peer, &message, err);
}

static int say(struct domm_end *end, struct domm_wire *message, struct domm_error *err)
{
    int rc;
    switch (message->type) {
    case DOMM_MESSAGE_HELLO:
        rc = domm_source_call(domm_source_of(end), err);
        return rc ? rc : domm_end_hello(end, &message->hello, err);
    case DOMM_MESSAGE_OFFER:
        message->offer = end->offer;
        return say_guests(end, err);
    case DOMM_MESSAGE_GO:
        domm_source_of(end)->go_ns = domm_end_now(end);
        return say_state(end, err);
    default:
        return 0;
    }
}

/* What the targets have run since domM was told to stop, by Xen's account; by the clock, from then
 * to when they stopped. */
static void count_unmonitored(struct domm_source *source)
{
    struct domm_end *end = &source->end;
    uint64_t from = source->domm_stop_ns - end->began_ns;
    for (unsigned int g = 1; g < domm_end_guests(end); g++) {
        struct domm_report_guest *report = &end->report.guests[g];
        struct domm_error ignored;
        uint64_t cpu_ns = 0, stopped = report->marks[DOMM_MARK_STOPPED];
        if (domm_xen_cpu_time(end->xen, end->guests[g].domid, &cpu_ns, &ignored) == 0)
            report->unmonitored_cpu = cpu_ns - end->guests[g].cpu_ns;
        report->unmonitored_wall = stopped != DOMM_NEVER && stopped > from ? stopped - from : 0;
    }
}

static int hear(struct domm_end *end, const struct domm_wire *message, struct domm_error *err)
{
    struct domm_source *source = domm_source_of(end);
    switch (message->type) {
    case DOMM_MESSAGE_HELLO:
        return domm_end_agree(end, &message->hello, err);
    case DOMM_MESSAGE_STREAMS:
        source->places = message->streams;
        return 0;
    case DOMM_MESSAGE_ACCEPT:
        if (source->options.preflight)
            domm_end_raise(end, (struct domm_event){.type = DOMM_EVENT_ABORT});
        return 0;
    case DOMM_MESSAGE_PREPARED: /* nothing of the source runs, or will before the answer */
        count_unmonitored(source);
        return 0;
    case DOMM_MESSAGE_FIGURES:
        domm_report_add_figures(&end->report, &message->figures, source->go_ns, domm_end_now(end));
        return 0;
    case DOMM_MESSAGE_FINISHED:
        end->report.outcome = message->finished.outcome;
        end->report.unmonitored |= message->finished.unmonitored;
        end->report.restarted |= message->finished.restarted;
        return 0;
    default:
        return 0;
    }
}

static void take_round(struct domm_source *source, unsigned int g, const struct domm_news *news)
{
    struct domm_end *end = &source->end;
    source->settled[g] = news->settled;
    if (news->converged && end->report.guests[g].marks[DOMM_MARK_CONVERGED] == DOMM_NEVER)
        domm_end_mark(end, g, DOMM_MARK_CONVERGED, news->when_ns);
    domm_end_raise(end, (struct domm_event){.type = news->converged ? DOMM_EVENT_CONVERGED
                                                                    : DOMM_EVENT_DIVERGED,
                                            .guest = g});
}

static void take_news(struct domm_end *end, unsigned int g, const struct domm_news *news)
{
    struct domm_report_guest *report = &end->report.guests[g];
    report->rounds = news->rounds > report->rounds ? news->rounds : report->rounds;
    report->bytes = news->bytes > report->bytes ? news->bytes : report->bytes;
    switch (news->kind) {
    case DOMM_NEWS_ROUND:
        take_round(domm_source_of(end), g, news);
        return;
    case DOMM_NEWS_SUSPENDED:
        domm_end_mark(end, g, DOMM_MARK_STOPPED, news->when_ns);
        report->final_bytes = news->bytes;
        return;
    case DOMM_NEWS_SENT:
        domm_end_mark(end, g, DOMM_MARK_SENT, news->when_ns);
        report->final_bytes = news->bytes - report->final_bytes;
        return;
    default:
        return;
    }
}

/* When nobody will come any closer, forcing need not wait for the time to be up. */
static bool is_time(const struct domm_source *source, uint64_t elapsed_ms)
{
    bool settled = source->options.force_busy;
    for (unsigned int g = 0; g < domm_end_guests(&source->end); g++)
        settled &= source->settled[g];
    return settled || elapsed_ms > source->options.timeout_s * UINT64_C(1000);
}

static int tick(struct domm_end *end)
{
    struct domm_source *source = domm_source_of(end);
    const uint64_t *marks = end->report.guests[0].marks;
    struct domm_error reason;
    if (end->machine.state != DOMM_SRC_COPYING || source->limited ||
        marks[DOMM_MARK_COPY] == DOMM_NEVER ||
        !is_time(source, (domm_end_now(end) - marks[DOMM_MARK_COPY]) / 1000000))
        return 500;
    source->limited = true;
    if (!source->options.force_busy) {
        domm_fail(&reason, DOMM_ROLLED_BACK,
                  "the guests write faster than can be sent: not converged within %u s",
                  source->options.timeout_s);
        domm_hint(&reason, "--timeout gives them longer, --max-downtime lets them stop with more "
                           "left, --on-busy force stops them anyway");
        domm_end_blame(end, &reason);
    }
    domm_end_raise(end, (struct domm_event){.type = DOMM_EVENT_LIMIT});
    return 0;
}

static int fd(struct domm_end *end)
{
    (void)end;
    return -1;
}

const struct domm_end_ops domm_source_ops = {
    .run = domm_source_step,
    .undo = domm_source_undo,
    .look = domm_end_ready,
    .hear = hear,
    .say = say,
    .news = take_news,
    .tick = tick,
    .fd = fd,
};
