/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Frames of the control protocol, in a row, and the chunks that they bring. */
#include "tests/fuzz/fuzz.h"

#include "lib/migrate/protocol/chunks.h"
#include "lib/migrate/protocol/messages.h"

/* What was decoded can be sent, and is then decoded alike. It need not be what was received: a
 * HELLO may have fields of a later version, and texts are made printable. */
static void encode_again(const struct domm_message *message)
{
    static unsigned char bytes[2][DOMM_WIRE_MAX_FRAME];
    struct domm_message again;
    struct domm_error err;
    size_t size, again_size;
    MUST(domm_message_encode(message, bytes[0], &size, &err) == 0);
    MUST(domm_message_decode(bytes[0], size, &again, &err) == 0);
    MUST(domm_message_encode(&again, bytes[1], &again_size, &err) == 0);
    MUST(size == again_size && memcmp(bytes[0], bytes[1], size) == 0);
}

static void take(const struct domm_message *message, struct domm_chunks *chunks)
{
    static const struct domm_message_hello ours = {.lowest = DOMM_MIGRATION_PROTOCOL_LOWEST,
                                                   .highest = DOMM_MIGRATION_PROTOCOL};
    struct domm_error err;
    uint16_t version;
    switch (message->type) {
    case DOMM_MESSAGE_HELLO:
        if (domm_message_agree(&ours, &message->hello, &version, &err) == 0)
            MUST(version >= DOMM_MIGRATION_PROTOCOL_LOWEST && version <= DOMM_MIGRATION_PROTOCOL);
        break;
    case DOMM_MESSAGE_CONFIG:
    case DOMM_MESSAGE_RECORD:
    case DOMM_MESSAGE_STATE:
        domm_chunks_add(chunks, &message->chunk, DOMM_WIRE_MAX_CONFIG, &err);
        MUST(chunks->size <= DOMM_WIRE_MAX_CONFIG && chunks->size <= chunks->capacity);
        break;
    case DOMM_MESSAGE_STATE_END:
        domm_chunks_verify(chunks, &message->state_end, &err);
        break;
    default:
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct domm_error err;
    struct domm_message message;
    cleanup_chunks struct domm_chunks chunks = {0};
    while (size >= DOMM_WIRE_HEADER_BYTES) {
        size_t frame;
        if (domm_message_frame_size(data, &frame, &err))
            break;
        MUST(frame >= DOMM_WIRE_HEADER_BYTES && frame <= DOMM_WIRE_MAX_FRAME);
        if (frame > size || domm_message_decode(data, frame, &message, &err))
            break;
        encode_again(&message);
        take(&message, &chunks);
        data += frame;
        size -= frame;
    }
    return 0;
}
