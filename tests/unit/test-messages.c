/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include "lib/migrate/protocol/chunks.h"
#include "lib/migrate/protocol/messages.h"
#include "lib/migrate/session.h"

static unsigned char frame[DOMM_WIRE_MAX_FRAME];
static unsigned char big[DOMM_WIRE_MAX_CHUNK + 1];

static const struct domm_uuid uuid = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

/* One good message of each type that has a payload, and of one that has none. */
static const struct domm_message good[] = {
    {.type = DOMM_MESSAGE_HELLO,
     .hello = {.lowest = 1, .highest = 3, .program = "domm 0.1.0", .xen = "4.17.4"}},
    {.type = DOMM_MESSAGE_OFFER,
     .offer = {.migration = uuid,
               .n_targets = 32,
               .on_not_ready = DOMM_NOT_READY_FORCE,
               .ready_timeout_ms = 30000,
               .data = DOMM_DATA_TLS,
               .unsynchronised = true}},
    {.type = DOMM_MESSAGE_GUEST,
     .guest = {.guest = 32,
               .kind = DOMM_GUEST_KIND_PVH,
               .paused = true,
               .uuid = uuid,
               .memory_kib = 1 << 20,
               .vcpus = 2,
               .config_bytes = 4096,
               .n_features = 2,
               .features = {0x178bfbff, 0xf6f83203},
               .name = "target1"}},
    {.type = DOMM_MESSAGE_CONFIG,
     .chunk = {.guest = 1, .offset = 65000, .size = 5, .bytes = (const unsigned char *)"{...}"}},
    {.type = DOMM_MESSAGE_STATE, .chunk = {.size = DOMM_WIRE_MAX_CHUNK, .bytes = big}},
    {.type = DOMM_MESSAGE_STATE_END, .state_end = {.size = 77, .digest = {0xaa, 0xbb}}},
    {.type = DOMM_MESSAGE_FIGURES,
     .figures = {.guest = 1,
                 .restored = 10,
                 .resumed = UINT64_MAX,
                 .ready = 3,
                 .ptes = 4,
                 .unmonitored_cpu = 5,
                 .unmonitored_wall = 6}},
    {.type = DOMM_MESSAGE_FINISHED,
     .finished = {.outcome = DOMM_MIGRATION_HELD, .unmonitored = true, .restarted = true}},
    {.type = DOMM_MESSAGE_ERROR, .error = {.code = DOMM_PREFLIGHT, .text = "no room for target1"}},
    {.type = DOMM_MESSAGE_HEARTBEAT, .heartbeat = UINT64_C(0x0102030405060708)},
    {.type = DOMM_MESSAGE_COMMIT},
    {.type = DOMM_MESSAGE_RECORD,
     .chunk = {.offset = 7, .size = 3, .bytes = (const unsigned char *)"{ }"}},
    {.type = DOMM_MESSAGE_STREAMS, .streams = {.port = 4711, .key = {1, 2, 3}}},
    {.type = DOMM_MESSAGE_AGREED},
};

static size_t encode(const struct domm_message *message)
{
    struct domm_error err;
    size_t size = 0;
    if (domm_message_encode(message, frame, &size, &err))
        fail_msg("type %d: %s", (int)message->type, err.text);
    return size;
}

static void messages_survive_the_wire(void **state)
{
    (void)state;
    static unsigned char again[DOMM_WIRE_MAX_FRAME];
    for (size_t i = 0; i < sizeof(big); i++)
        big[i] = (unsigned char)(i * 7);
    for (size_t i = 0; i < COUNT(good); i++) {
        size_t size = encode(&good[i]), announced, size_again;
        struct domm_message got;
        struct domm_error err;
        assert_int_equal(domm_message_frame_size(frame, &announced, &err), 0);
        assert_int_equal(announced, size);
        assert_int_equal(domm_message_decode(frame, size, &got, &err), 0);
        assert_int_equal(got.type, good[i].type);
        assert_int_equal(domm_message_encode(&got, again, &size_again, &err), 0);
        assert_int_equal(size_again, size);
        assert_memory_equal(again, frame, size);
    }
}

static void fields_arrive_where_they_belong(void **state)
{
    (void)state;
    struct domm_message got;
    struct domm_error err;
    assert_int_equal(domm_message_decode(frame, encode(&good[2]), &got, &err), 0);
    assert_string_equal(got.guest.name, "target1");
    assert_int_equal(got.guest.guest, 32);
    assert_int_equal(got.guest.kind, DOMM_GUEST_KIND_PVH);
    assert_true(got.guest.paused && domm_uuid_equal(&got.guest.uuid, &uuid));
    assert_int_equal(got.guest.memory_kib, 1 << 20);
    assert_int_equal(got.guest.config_bytes, 4096);
    assert_int_equal(domm_message_decode(frame, encode(&good[3]), &got, &err), 0);
    assert_int_equal(got.chunk.offset, 65000);
    assert_memory_equal(got.chunk.bytes, "{...}", 5);
    assert_int_equal(domm_message_decode(frame, encode(&good[6]), &got, &err), 0);
    assert_int_equal(got.figures.resumed, UINT64_MAX);
    assert_int_equal(got.figures.unmonitored_wall, 6);
}

static void the_wire_is_big_endian_and_stays_as_it_is(void **state)
{
    (void)state;
    static const unsigned char heartbeat[] = {'D', 'O', 'M', 'C', 0, 1, 0, 16, 0, 0,
                                              0,   8,   1,   2,   3, 4, 5, 6,  7, 8};
    static const unsigned char commit[] = {'D', 'O', 'M', 'C', 0, 1, 0, 6, 0, 0, 0, 0};
    static const unsigned char error[] = {'D', 'O', 'M', 'C', 0, 1, 0,   21, 0,
                                          0,   0,   5,   6,   0, 2, 'n', 'o'};
    assert_int_equal(encode(&good[9]), sizeof(heartbeat));
    assert_memory_equal(frame, heartbeat, sizeof(heartbeat));
    assert_int_equal(encode(&good[10]), sizeof(commit));
    assert_memory_equal(frame, commit, sizeof(commit));
    struct domm_message no = {.type = DOMM_MESSAGE_ERROR, .error = {DOMM_PREFLIGHT, "no"}};
    assert_int_equal(encode(&no), sizeof(error));
    assert_memory_equal(frame, error, sizeof(error));
}

static void refused(size_t size, const char *why)
{
    struct domm_message got;
    struct domm_error err;
    if (domm_message_decode(frame, size, &got, &err) != -DOMM_REFUSED)
        fail_msg("accepted though %s", why);
    assert_contains(err.text, why);
}

static void other_frames_are_refused(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        const char *why;
    } flips[] = {{0, "does not begin"},  {3, "does not begin"}, {5, "another version"},
                 {7, "type is unknown"}, {8, "too long"},       {11, "its length"}};
    size_t announced;
    struct domm_error err;
    for (size_t i = 0; i < COUNT(flips); i++) {
        size_t size = encode(&good[10]);
        frame[flips[i].at] ^= 0x20;
        refused(size, flips[i].why);
    }
    encode(&good[10]);
    frame[9] = 1;
    frame[11] = 1; /* one byte more than a payload may have */
    assert_int_equal(domm_message_frame_size(frame, &announced, &err), -DOMM_REFUSED);
    frame[11] = 0;
    assert_int_equal(domm_message_frame_size(frame, &announced, &err), 0);
    assert_int_equal(announced, DOMM_WIRE_MAX_FRAME);
}

/* An earlier domm's HELLO ends behind the version of Xen. */
static bool is_earlier_hello(size_t size)
{
    struct domm_message got;
    struct domm_error err;
    return domm_message_decode(frame, size, &got, &err) == 0 && got.hello.xen[0] &&
           !got.hello.boot[0] && !got.hello.cpu[0];
}

static void the_hosts_are_compared(void **state)
{
    (void)state;
    struct domm_error err;
    const struct domm_message_hello here = {.boot = "b1", .cpu = "AuthenticAMD"};
    struct domm_message_hello there = {.boot = "b2", .cpu = "AuthenticAMD"};
    assert_int_equal(domm_session_compare_hosts(&here, &there, &err), 0);
    assert_int_equal(domm_session_compare_hosts(&here, &here, &err), -DOMM_PREFLIGHT);
    assert_contains(err.text, "the same host");
    strcpy(there.cpu, "GenuineIntel");
    assert_int_equal(domm_session_compare_hosts(&here, &there, &err), -DOMM_PREFLIGHT);
    assert_contains(err.text, "AuthenticAMD here, GenuineIntel there");
    there = (struct domm_message_hello){0}; /* an earlier domm */
    assert_int_equal(domm_session_compare_hosts(&here, &there, &err), 0);
    assert_int_equal(domm_session_compare_hosts(&there, &there, &err), 0);
}

/* Each message cut short at each byte, with its length put right; and with a byte too much. */
static void frames_cut_or_stretched_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        size_t size = encode(&good[i]);
        for (size_t cut = DOMM_WIRE_HEADER_BYTES; cut<size; cut += size> 1000 ? 997 : 1) {
            size_t length = cut - DOMM_WIRE_HEADER_BYTES;
            frame[10] = (unsigned char)(length >> 8);
            frame[11] = (unsigned char)length;
            if (good[i].type != DOMM_MESSAGE_HELLO || !is_earlier_hello(cut))
                refused(cut, "too short");
        }
        if (good[i].type == DOMM_MESSAGE_HELLO || size > 1000)
            continue;
        encode(&good[i]);
        frame[size] = 0;
        frame[11]++;
        refused(size + 1, "bytes after its last field");
    }
}

static void values_out_of_bounds_are_refused(void **state)
{
    (void)state;
    static const struct {
        size_t message, at; /* a byte of the payload */
        unsigned char value;
        const char *why;
    } cases[] = {
        {0, 1, 0, "versions are out of order"},
        {0, 3, 0, "versions are out of order"},
        {0, 4, 9, "a text is too long"},
        {0, 6, 0, "NUL"},
        {1, 19, 0, "number of targets"},
        {1, 19, 33, "number of targets"},
        {1, 20, 3, "enumeration"},
        {2, 3, 33, "guest's number"},
        {2, 0, 1, "guest's number"},
        {2, 4, 3, "enumeration"},
        {2, 5, 2, "boolean"},
        {2, 22, 1, "guest's memory"},
        {2, 31, 1, "vCPUs"},
        {2, 34, 0x20, "configuration"},
        {1, 25, 3, "enumeration"},
        {1, 26, 2, "boolean"},
        {2, 41, 33, "CPU features"},
        {2, 52, '/', "name is empty or contains a slash"},
        {2, 3, 0, "the monitor is not a running PV"},
        {3, 4, 1, "a piece is out of bounds"},
        {3, 8, 1, "a piece's size"},
        {3, 11, 0, "a piece's size"},
        {4, 3, 1, "not the monitor's"},
        {4, 4, 0x10, "a piece is out of"},
        {5, 0, 0x11, "out of bounds"},
        {7, 0, 3, "enumeration"},
        {8, 0, 0, "code of success"},
        {8, 0, DOMM_CODES, "enumeration"},
        {8, 1, 4, "a text is too long"},
        {11, 3, 1, "not the monitor's"},
        {11, 5, 1, "a piece is out of bounds"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t size = encode(&good[cases[i].message]);
        frame[DOMM_WIRE_HEADER_BYTES + cases[i].at] = cases[i].value;
        refused(size, cases[i].why);
    }
    size_t size = encode(&good[1]);
    memset(frame + DOMM_WIRE_HEADER_BYTES, 0, 16);
    refused(size, "no UUID");
}

static void texts_arrive_printable_and_terminated(void **state)
{
    (void)state;
    struct domm_message message = {.type = DOMM_MESSAGE_ERROR, .error = {.code = DOMM_FAILED}};
    struct domm_message got;
    struct domm_error err;
    strcpy(message.error.text, "no\033[2J\nroom\177");
    assert_int_equal(domm_message_decode(frame, encode(&message), &got, &err), 0);
    assert_string_equal(got.error.text, "no?[2J?room?");
    memset(message.error.text, 'x', sizeof(message.error.text));
    size_t size;
    assert_int_equal(domm_message_encode(&message, frame, &size, &err), -DOMM_FAILED);
    assert_contains(err.text, "too long");
}

static void bounded(const struct domm_message *got)
{
    switch (got->type) {
    case DOMM_MESSAGE_OFFER:
        assert_in_range(got->offer.n_targets, 1, DOMM_RECORD_MAX_TARGETS);
        break;
    case DOMM_MESSAGE_GUEST:
        assert_true(got->guest.guest <= DOMM_RECORD_MAX_TARGETS && got->guest.name[0]);
        assert_true(strlen(got->guest.name) < sizeof(got->guest.name));
        assert_in_range(got->guest.n_features, 0, DOMM_WIRE_FEATURES);
        break;
    case DOMM_MESSAGE_CONFIG:
    case DOMM_MESSAGE_RECORD:
    case DOMM_MESSAGE_STATE:
        assert_in_range(got->chunk.size, 1, DOMM_WIRE_MAX_CHUNK);
        assert_true(got->chunk.bytes >= frame + DOMM_WIRE_HEADER_BYTES &&
                    got->chunk.bytes + got->chunk.size <= frame + sizeof(frame));
        break;
    case DOMM_MESSAGE_ERROR:
        assert_true(strlen(got->error.text) < sizeof(got->error.text));
        break;
    default:
        break;
    }
}

/* Whatever passes is within bounds and encodes again; nothing may crash, and a sanitizer may
 * watch: each frame lies at the end of memory of just its size. */
static void noise_passes_only_within_bounds(void **state)
{
    (void)state;
    static unsigned char again[DOMM_WIRE_MAX_FRAME];
    size_t passed = 0, rounds = 300000;
    srand(1);
    for (size_t i = 0; i < rounds; i++) {
        size_t size = encode(&good[(size_t)rand() % COUNT(good)]);
        if (size > 1000)
            continue;
        for (int flips = rand() % 4; flips > 0; flips--)
            frame[(size_t)rand() % size] = (unsigned char)rand();
        if (rand() % 8 == 0)
            size = (size_t)rand() % (size + 1);
        struct domm_message got;
        struct domm_error err;
        unsigned char *exact = malloc(size ? size : 1);
        assert_non_null(exact);
        memcpy(exact, frame, size);
        if (domm_message_decode(exact, size, &got, &err) == 0) {
            passed++;
            size_t size_again;
            assert_int_equal(domm_message_encode(&got, again, &size_again, &err), 0);
            assert_int_equal(domm_message_decode(frame, size, &got, &err), 0);
            bounded(&got);
        }
        free(exact);
    }
    print_message("# %zu of %zu noisy frames passed\n", passed, rounds);
    assert_in_range(passed, 1000, rounds - 1000);
}

static void versions_are_agreed_on(void **state)
{
    (void)state;
    struct domm_message_hello ours = {.lowest = 2, .highest = 4, .program = "domm 2"};
    struct domm_message_hello theirs = {.lowest = 1, .highest = 3, .program = "domm 1"};
    struct domm_error err;
    uint16_t version;
    assert_int_equal(domm_message_agree(&ours, &theirs, &version, &err), 0);
    assert_int_equal(version, 3);
    theirs.highest = 1;
    assert_int_equal(domm_message_agree(&ours, &theirs, &version, &err), -DOMM_PREFLIGHT);
    assert_contains(err.text, "domm 1 there");
    /* A later program's longer HELLO is still understood. */
    size_t size = encode(&good[0]);
    struct domm_message got;
    frame[size] = 0x55;
    frame[11]++;
    assert_int_equal(domm_message_decode(frame, size + 1, &got, &err), 0);
}

static void each_end_has_its_messages(void **state)
{
    (void)state;
    assert_true(domm_message_may_send(true, DOMM_MESSAGE_COMMIT));
    assert_false(domm_message_may_send(false, DOMM_MESSAGE_COMMIT));
    assert_false(domm_message_may_send(true, DOMM_MESSAGE_GONE));
    assert_true(domm_message_may_send(false, DOMM_MESSAGE_GONE));
    for (int source = 0; source < 2; source++) {
        assert_true(domm_message_may_send(source, DOMM_MESSAGE_HELLO));
        assert_true(domm_message_may_send(source, DOMM_MESSAGE_ERROR));
    }
    /* What the state machines say is theirs to say. */
    for (enum domm_migration_state in = 0; in < DOMM_MIGRATION_STATES; in++)
        if (domm_migration_states[in].says)
            assert_true(domm_message_may_send(domm_migration_state_is_source(in),
                                              domm_migration_states[in].says));
}

static void pieces_become_whole_only_in_order(void **state)
{
    (void)state;
    cleanup_chunks struct domm_chunks chunks = {0};
    struct domm_message_chunk piece = {.size = 60000, .bytes = big};
    struct domm_message_state_end end;
    struct domm_error err;
    assert_int_equal(domm_chunks_add(&chunks, &piece, 100000, &err), 0);
    assert_int_equal(domm_chunks_add(&chunks, &piece, 100000, &err), -DOMM_REFUSED);
    assert_contains(err.text, "a chunk for byte 0, expected byte 60000");
    piece.offset = 60000;
    assert_int_equal(domm_chunks_add(&chunks, &piece, 100000, &err), -DOMM_REFUSED);
    assert_contains(err.text, "more than 100000 bytes");
    piece.size = 40000;
    assert_int_equal(domm_chunks_add(&chunks, &piece, 100000, &err), 0);
    assert_int_equal(chunks.size, 100000);
    assert_memory_equal(chunks.bytes + 60000, big, 40000);

    assert_int_equal(domm_chunks_seal(&chunks, &end, &err), 0);
    assert_int_equal(domm_chunks_verify(&chunks, &end, &err), 0);
    chunks.bytes[99999] ^= 1;
    assert_int_equal(domm_chunks_verify(&chunks, &end, &err), -DOMM_REFUSED);
    assert_contains(err.text, "SHA-256 of the mapping state does not match");
    end.size--;
    assert_int_equal(domm_chunks_verify(&chunks, &end, &err), -DOMM_REFUSED);
    assert_contains(err.text, "expected 99999");
}

static void the_digest_is_sha_256(void **state)
{
    (void)state;
    static const unsigned char empty[] = {0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14};
    static const unsigned char abc[] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea};
    cleanup_chunks struct domm_chunks chunks = {0};
    struct domm_message_state_end end;
    struct domm_error err;
    assert_int_equal(domm_chunks_seal(&chunks, &end, &err), 0);
    assert_memory_equal(end.digest, empty, sizeof(empty));
    struct domm_message_chunk piece = {.size = 3, .bytes = (const unsigned char *)"abc"};
    assert_int_equal(domm_chunks_add(&chunks, &piece, 3, &err), 0);
    assert_int_equal(domm_chunks_seal(&chunks, &end, &err), 0);
    assert_memory_equal(end.digest, abc, sizeof(abc));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_survive_the_wire),
        cmocka_unit_test(fields_arrive_where_they_belong),
        cmocka_unit_test(the_wire_is_big_endian_and_stays_as_it_is),
        cmocka_unit_test(other_frames_are_refused),
        cmocka_unit_test(frames_cut_or_stretched_are_refused),
        cmocka_unit_test(the_hosts_are_compared),
        cmocka_unit_test(values_out_of_bounds_are_refused),
        cmocka_unit_test(texts_arrive_printable_and_terminated),
        cmocka_unit_test(noise_passes_only_within_bounds),
        cmocka_unit_test(versions_are_agreed_on),
        cmocka_unit_test(each_end_has_its_messages),
        cmocka_unit_test(pieces_become_whole_only_in_order),
        cmocka_unit_test(the_digest_is_sha_256),
    };
    return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}
