/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/migrate/protocol/messages.h"

#include <string.h>

#include "lib/migrate/protocol/codec.h"

#define MAGIC UINT64_C(0x444f4d43) /* "DOMC" */

static void guest_number(struct domm_codec *c, uint32_t *guest)
{
    domm_codec_u32(c, guest);
    domm_codec_must(c, *guest <= DOMM_RECORD_MAX_TARGETS, "a guest's number is out of bounds");
}

static void hello(struct domm_codec *c, struct domm_message_hello *m)
{
    domm_codec_u16(c, &m->lowest);
    domm_codec_u16(c, &m->highest);
    domm_codec_text(c, m->program, sizeof(m->program));
    domm_codec_text(c, m->xen, sizeof(m->xen));
    domm_codec_must(c, m->lowest >= 1 && m->lowest <= m->highest, "the versions are out of order");
    if (!c->decoding || c->left) { /* an earlier domm sends no more */
        domm_codec_text(c, m->boot, sizeof(m->boot));
        domm_codec_text(c, m->cpu, sizeof(m->cpu));
    }
    /* A later version may append fields, which this version ignores. */
    if (c->decoding)
        c->left = 0;
}

static void message_offer(struct domm_codec *c, struct domm_message_offer *m)
{
    domm_codec_raw(c, m->migration.bytes, sizeof(m->migration.bytes));
    domm_codec_u32(c, &m->n_targets);
    m->on_not_ready =
        (enum domm_on_not_ready)domm_codec_choice(c, m->on_not_ready, DOMM_NOT_READY_FORCE + 1);
    domm_codec_u32(c, &m->ready_timeout_ms);
    m->data = (enum domm_data)domm_codec_choice(c, m->data, DOMM_DATA_KINDS);
    domm_codec_bool(c, &m->unsynchronised);
    domm_codec_must(c, m->n_targets >= 1 && m->n_targets <= DOMM_RECORD_MAX_TARGETS,
                    "the number of targets is out of bounds");
    domm_codec_must(c, !domm_uuid_is_nil(&m->migration), "the migration has no UUID");
}

static void streams(struct domm_codec *c, struct domm_message_streams *m)
{
    domm_codec_u16(c, &m->port);
    domm_codec_raw(c, m->key, sizeof(m->key));
}

static void features(struct domm_codec *c, struct domm_message_guest *m)
{
    domm_codec_u32(c, &m->n_features);
    domm_codec_must(c, m->n_features <= DOMM_WIRE_FEATURES,
                    "the number of words of CPU features is out of bounds");
    for (uint32_t i = 0; !c->wrong && i < m->n_features; i++)
        domm_codec_u32(c, &m->features[i]);
}

static void guest(struct domm_codec *c, struct domm_message_guest *m)
{
    guest_number(c, &m->guest);
    m->kind = (enum domm_guest_kind)domm_codec_choice(c, m->kind, DOMM_GUEST_KINDS);
    domm_codec_bool(c, &m->paused);
    domm_codec_raw(c, m->uuid.bytes, sizeof(m->uuid.bytes));
    domm_codec_u64(c, &m->memory_kib);
    domm_codec_u32(c, &m->vcpus);
    domm_codec_u32(c, &m->config_bytes);
    features(c, m);
    domm_codec_text(c, m->name, sizeof(m->name));
    domm_codec_must(c, !domm_uuid_is_nil(&m->uuid), "a guest has no UUID");
    domm_codec_must(c, m->memory_kib && m->memory_kib <= UINT64_C(1) << 40,
                    "a guest's memory is out of bounds");
    domm_codec_must(c, m->vcpus && m->vcpus <= 4096, "a guest's number of vCPUs is out of bounds");
    domm_codec_must(c, m->config_bytes && m->config_bytes <= DOMM_WIRE_MAX_CONFIG,
                    "a guest's configuration is out of bounds");
    domm_codec_must(c, c->wrong || (m->name[0] && !strchr(m->name, '/')),
                    "a guest's name is empty or contains a slash");
    domm_codec_must(c, m->guest > 0 || (m->kind == DOMM_GUEST_KIND_PV && !m->paused),
                    "the monitor is not a running PV guest");
}

static void chunk(struct domm_codec *c, struct domm_message_chunk *m, uint32_t limit)
{
    guest_number(c, &m->guest);
    domm_codec_u32(c, &m->offset);
    domm_codec_u32(c, &m->size);
    domm_codec_must(c, m->size && m->size <= DOMM_WIRE_MAX_CHUNK,
                    "a piece's size is out of bounds");
    domm_codec_must(c, m->offset < limit && m->size <= limit - m->offset,
                    "a piece is out of bounds");
    domm_codec_borrow(c, &m->bytes, m->size);
}

static void of_monitor(struct domm_codec *c, struct domm_message_chunk *m, uint32_t limit)
{
    chunk(c, m, limit);
    domm_codec_must(c, m->guest == 0, "a mapping state or a record is not the monitor's");
}

static void state_end(struct domm_codec *c, struct domm_message_state_end *m)
{
    domm_codec_u32(c, &m->size);
    domm_codec_raw(c, m->digest, sizeof(m->digest));
    domm_codec_must(c, m->size <= DOMM_WIRE_MAX_STATE, "the mapping state is out of bounds");
}

static void figures(struct domm_codec *c, struct domm_message_figures *m)
{
    guest_number(c, &m->guest);
    domm_codec_u64(c, &m->restored);
    domm_codec_u64(c, &m->resumed);
    domm_codec_u64(c, &m->ready);
    domm_codec_u64(c, &m->ptes);
    domm_codec_u64(c, &m->unmonitored_cpu);
    domm_codec_u64(c, &m->unmonitored_wall);
}

static void finished(struct domm_codec *c, struct domm_message_finished *m)
{
    m->outcome =
        (enum domm_migration_outcome)domm_codec_choice(c, m->outcome, DOMM_MIGRATION_OUTCOMES);
    domm_codec_bool(c, &m->unmonitored);
    domm_codec_bool(c, &m->restarted);
}

static void error(struct domm_codec *c, struct domm_message_error *m)
{
    m->code = (enum domm_code)domm_codec_choice(c, m->code, DOMM_CODES);
    domm_codec_text(c, m->text, sizeof(m->text));
    domm_codec_must(c, m->code != DOMM_OK, "an error has the code of success");
}

static void payload(struct domm_codec *c, struct domm_message *m)
{
    switch (m->type) {
    case DOMM_MESSAGE_HELLO:
        hello(c, &m->hello);
        return;
    case DOMM_MESSAGE_OFFER:
        message_offer(c, &m->offer);
        return;
    case DOMM_MESSAGE_GUEST:
        guest(c, &m->guest);
        return;
    case DOMM_MESSAGE_CONFIG:
        chunk(c, &m->chunk, DOMM_WIRE_MAX_CONFIG);
        return;
    case DOMM_MESSAGE_STATE:
        of_monitor(c, &m->chunk, DOMM_WIRE_MAX_STATE);
        return;
    case DOMM_MESSAGE_RECORD:
        of_monitor(c, &m->chunk, DOMM_RECORD_MAX_BYTES);
        return;
    case DOMM_MESSAGE_STREAMS:
        streams(c, &m->streams);
        return;
    case DOMM_MESSAGE_STATE_END:
        state_end(c, &m->state_end);
        return;
    case DOMM_MESSAGE_FIGURES:
        figures(c, &m->figures);
        return;
    case DOMM_MESSAGE_FINISHED:
        finished(c, &m->finished);
        return;
    case DOMM_MESSAGE_ERROR:
        error(c, &m->error);
        return;
    case DOMM_MESSAGE_HEARTBEAT:
        domm_codec_u64(c, &m->heartbeat);
        return;
    case DOMM_MESSAGE_ACCEPT:
    case DOMM_MESSAGE_PREPARE:
    case DOMM_MESSAGE_PREPARED:
    case DOMM_MESSAGE_COMMIT:
    case DOMM_MESSAGE_COMMITTED:
    case DOMM_MESSAGE_ABORT:
    case DOMM_MESSAGE_GONE:
    case DOMM_MESSAGE_AGREED:
        return;
    case DOMM_MESSAGE_NONE:
    case DOMM_MACHINE_MESSAGES:
        break;
    }
    domm_codec_must(c, false, "its type is unknown");
}

static void header(struct domm_codec *c, uint16_t *type, uint32_t *length)
{
    uint16_t version = DOMM_WIRE_VERSION;
    domm_codec_must(c, domm_codec_number(c, 4, MAGIC) == MAGIC,
                    "it does not begin with domm's magic number");
    domm_codec_u16(c, &version);
    domm_codec_must(c, version == DOMM_WIRE_VERSION, "its framing has another version");
    domm_codec_u16(c, type);
    domm_codec_u32(c, length);
    domm_codec_must(c, *length <= DOMM_WIRE_MAX_PAYLOAD, "it is too long");
}

int domm_message_encode(const struct domm_message *message,
                        unsigned char bytes_r[DOMM_WIRE_MAX_FRAME], size_t *size_r,
                        struct domm_error *err)
{
    struct domm_message copy = *message;
    struct domm_codec body = {.write = bytes_r + DOMM_WIRE_HEADER_BYTES,
                              .left = DOMM_WIRE_MAX_PAYLOAD};
    payload(&body, &copy);
    if (body.wrong)
        return domm_fail(err, DOMM_FAILED, "message %d: %s", (int)message->type, body.wrong);
    struct domm_codec head = {.write = bytes_r, .left = DOMM_WIRE_HEADER_BYTES};
    uint16_t type = (uint16_t)message->type;
    uint32_t length = (uint32_t)(DOMM_WIRE_MAX_PAYLOAD - body.left);
    header(&head, &type, &length);
    *size_r = DOMM_WIRE_HEADER_BYTES + length;
    return 0;
}

static int read_header(const unsigned char *bytes, uint16_t *type_r, uint32_t *length_r,
                       struct domm_error *err)
{
    struct domm_codec c = {.decoding = true, .read = bytes, .left = DOMM_WIRE_HEADER_BYTES};
    header(&c, type_r, length_r);
    return c.wrong ? domm_fail(err, DOMM_REFUSED, "a message: %s", c.wrong) : 0;
}

int domm_message_frame_size(const unsigned char bytes[DOMM_WIRE_HEADER_BYTES], size_t *size_r,
                            struct domm_error *err)
{
    uint16_t type;
    uint32_t length;
    int rc = read_header(bytes, &type, &length, err);
    if (rc == 0)
        *size_r = DOMM_WIRE_HEADER_BYTES + length;
    return rc;
}

int domm_message_decode(const unsigned char *bytes, size_t size, struct domm_message *message_r,
                        struct domm_error *err)
{
    uint16_t type;
    uint32_t length;
    if (size < DOMM_WIRE_HEADER_BYTES)
        return domm_fail(err, DOMM_REFUSED, "a message: it is too short");
    int rc = read_header(bytes, &type, &length, err);
    if (rc)
        return rc;
    *message_r = (struct domm_message){.type = (enum domm_message_type)type};
    struct domm_codec c = {
        .decoding = true, .read = bytes + DOMM_WIRE_HEADER_BYTES, .left = length};
    domm_codec_must(&c, size - DOMM_WIRE_HEADER_BYTES == length,
                    "its length differs from its frame's");
    if (!c.wrong)
        payload(&c, message_r);
    domm_codec_must(&c, c.left == 0, "it has bytes after its last field");
    return c.wrong ? domm_fail(err, DOMM_REFUSED, "message %u: %s", type, c.wrong) : 0;
}

int domm_message_agree(const struct domm_message_hello *ours,
                       const struct domm_message_hello *theirs, uint16_t *version_r,
                       struct domm_error *err)
{
    uint16_t highest = ours->highest < theirs->highest ? ours->highest : theirs->highest;
    uint16_t lowest = ours->lowest > theirs->lowest ? ours->lowest : theirs->lowest;
    if (lowest > highest)
        return domm_fail(err, DOMM_PREFLIGHT,
                         "%s here and %s there support no common version of the protocol "
                         "(%u to %u, %u to %u)",
                         ours->program, theirs->program, ours->lowest, ours->highest,
                         theirs->lowest, theirs->highest);
    *version_r = highest;
    return 0;
}

bool domm_message_may_send(bool source, enum domm_message_type type)
{
    switch (type) {
    case DOMM_MESSAGE_HELLO:
    case DOMM_MESSAGE_HEARTBEAT:
    case DOMM_MESSAGE_ERROR:
        return true;
    case DOMM_MESSAGE_STREAMS:
    case DOMM_MESSAGE_ACCEPT:
    case DOMM_MESSAGE_PREPARED:
    case DOMM_MESSAGE_COMMITTED:
    case DOMM_MESSAGE_FIGURES:
    case DOMM_MESSAGE_FINISHED:
    case DOMM_MESSAGE_GONE:
        return !source;
    default:
        return source;
    }
}
