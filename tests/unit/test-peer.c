/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The link between the two ends of a migration. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/move/peer.h"

static unsigned char bytes[DOMM_WIRE_MAX_CHUNK];

/* Both ends of one link. They are big. */
static struct domm_peer source, destination;
static int ends[2];

static int link_up(void **state)
{
    struct domm_error err;
    (void)state;
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) ||
           domm_peer_begin(&source, true, ends[0], ends[0], &err) ||
           domm_peer_begin(&destination, false, ends[1], ends[1], &err);
}

static void hang_up(int end)
{
    close(ends[end]);
    ends[end] = -1;
}

static int link_down(void **state)
{
    (void)state;
    domm_peer_end(&source);
    domm_peer_end(&destination);
    for (int end = 0; end < 2; end++) {
        if (ends[end] >= 0)
            hang_up(end);
    }
    return 0;
}

static struct domm_wire chunk(uint32_t offset)
{
    return (struct domm_wire){.type = DOMM_MESSAGE_STATE,
                              .chunk = {.offset = offset, .size = sizeof(bytes), .bytes = bytes}};
}

static void say(struct domm_peer *peer, const struct domm_wire *message)
{
    struct domm_error err;
    if (domm_peer_say(peer, message, &err))
        fail_msg("%s", err.text);
}

/* Whether there was one. */
static bool hear(struct domm_peer *peer, struct domm_wire *message_r)
{
    struct domm_error err;
    bool got;
    if (domm_peer_hear(peer, message_r, &got, &err))
        fail_msg("%s", err.text);
    return got;
}

static void messages_go_both_ways(void **state)
{
    (void)state;
    struct domm_wire message;
    assert_false(hear(&source, &message));
    assert_false(hear(&destination, &message));
    say(&source, &(struct domm_wire){.type = DOMM_MESSAGE_COMMIT});
    say(&destination, &(struct domm_wire){.type = DOMM_MESSAGE_COMMITTED});
    assert_true(hear(&source, &message));
    assert_int_equal(message.type, DOMM_MESSAGE_COMMITTED);
    assert_true(hear(&destination, &message));
    assert_int_equal(message.type, DOMM_MESSAGE_COMMIT);
    assert_false(hear(&source, &message));
    assert_false(hear(&destination, &message));
}

static void frames_may_be_cut_anywhere(void **state)
{
    (void)state;
    static unsigned char frame[DOMM_WIRE_MAX_FRAME];
    static const struct domm_wire messages[] = {
        {.type = DOMM_MESSAGE_COMMIT},
        {.type = DOMM_MESSAGE_HEARTBEAT, .heartbeat = 77},
        {.type = DOMM_MESSAGE_ERROR, .error = {DOMM_PREFLIGHT, "no room for target1"}},
    };
    struct domm_error err;
    struct domm_wire message;
    for (size_t i = 0; i < COUNT(messages); i++) {
        size_t size;
        assert_int_equal(domm_wire_encode(&messages[i], frame, &size, &err), 0);
        for (size_t at = 0; at < size; at++) {
            assert_int_equal(write(ends[0], frame + at, 1), 1);
            assert_int_equal(hear(&destination, &message), at + 1 == size);
        }
        assert_int_equal(message.type, messages[i].type);
    }
    assert_string_equal(message.error.text, "no room for target1");
}

/* Who hears one message has to ask for the next; poll does not tell of it. */
static void frames_may_come_together(void **state)
{
    (void)state;
    static unsigned char together[3 * DOMM_WIRE_MAX_FRAME];
    struct domm_error err;
    size_t used = 0, size;
    struct domm_wire message;
    for (uint64_t i = 0; i < 100; i++) {
        const struct domm_wire beat = {.type = DOMM_MESSAGE_HEARTBEAT, .heartbeat = i};
        assert_int_equal(domm_wire_encode(&beat, together + used, &size, &err), 0);
        used += size;
    }
    assert_int_equal(write(ends[0], together, used - 3), used - 3);
    for (uint64_t i = 0; i < 99; i++) {
        assert_true(hear(&destination, &message));
        assert_int_equal(message.heartbeat, i);
    }
    assert_false(hear(&destination, &message));
    assert_int_equal(write(ends[0], together + used - 3, 3), 3);
    assert_true(hear(&destination, &message));
    assert_int_equal(message.heartbeat, 99);
}

/* Neither end waits for the other: what does not go out is kept, and stays in order. */
static void what_cannot_be_written_waits(void **state)
{
    (void)state;
    const uint32_t count = 50;
    struct domm_error err;
    struct domm_wire message;
    memset(bytes, 'x', sizeof(bytes));
    for (uint32_t i = 0; i < count; i++) {
        const struct domm_wire piece = chunk(i);
        say(&source, &piece);
    }
    assert_true(source.queued > 0);
    for (uint32_t i = 0; i < count;) {
        assert_int_equal(domm_peer_flush(&source, &err), 0);
        if (!hear(&destination, &message))
            continue;
        assert_int_equal(message.chunk.offset, i++);
        assert_int_equal(message.chunk.size, sizeof(bytes));
        assert_memory_equal(message.chunk.bytes, bytes, sizeof(bytes));
    }
    assert_int_equal(source.queued, 0);
    assert_false(hear(&destination, &message));
}

static void the_largest_frame_passes(void **state)
{
    (void)state;
    struct domm_wire message, big = chunk(7);
    struct domm_error err;
    bool got = false;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)(i * 13);
    say(&source, &big);
    while (!got) {
        assert_int_equal(domm_peer_flush(&source, &err), 0);
        got = hear(&destination, &message);
    }
    assert_memory_equal(message.chunk.bytes, bytes, sizeof(bytes));
}

static void a_closed_link_fails(void **state)
{
    (void)state;
    struct domm_error err;
    struct domm_wire message;
    bool got;
    say(&source, &(struct domm_wire){.type = DOMM_MESSAGE_COMMIT});
    assert_int_equal(write(ends[0], "DOMC", 4), 4); /* cut short */
    hang_up(0);
    assert_true(hear(&destination, &message)); /* what was said before counts */
    assert_int_equal(domm_peer_hear(&destination, &message, &got, &err), -DOMM_FAILED);
    assert_contains(err.text, "has closed the link");
    assert_false(got);
    assert_int_equal(
        domm_peer_say(&destination, &(struct domm_wire){.type = DOMM_MESSAGE_ACCEPT}, &err),
        -DOMM_FAILED);
    assert_contains(err.text, "writing to the other host");
    assert_int_equal(domm_peer_flush(&destination, &err), -DOMM_FAILED);
}

static void after_the_end_nothing_can_be_said(void **state)
{
    (void)state;
    struct domm_error err;
    domm_peer_end(&source);
    assert_int_equal(domm_peer_say(&source, &(struct domm_wire){.type = DOMM_MESSAGE_COMMIT}, &err),
                     -DOMM_FAILED);
    assert_contains(err.text, "no link any more");
}

static void each_end_may_say_its_own_only(void **state)
{
    (void)state;
    struct domm_error err;
    struct domm_wire message;
    bool got;
    say(&source, &(struct domm_wire){.type = DOMM_MESSAGE_PREPARED});
    assert_int_equal(domm_peer_hear(&destination, &message, &got, &err), -DOMM_REFUSED);
    assert_contains(err.text, "not for the other end to send");
    assert_false(got);
    say(&destination, &(struct domm_wire){.type = DOMM_MESSAGE_COMMIT});
    assert_int_equal(domm_peer_hear(&source, &message, &got, &err), -DOMM_REFUSED);
    assert_false(got);
}

static void what_is_no_frame_is_refused(void **state)
{
    (void)state;
    static const unsigned char nonsense[][DOMM_WIRE_HEADER_BYTES] = {
        "HTTP/1.1 200",
        {'D', 'O', 'M', 'C', 0, 2, 0, 6, 0, 0, 0, 0}, /* another framing */
        {'D', 'O', 'M', 'C', 0, 1, 0, 4, 0, 1, 0, 1}, /* too long by a byte */
        {'D', 'O', 'M', 'C', 0, 1, 1, 0, 0, 0, 0, 0}, /* no such message */
        {'D', 'O', 'M', 'C', 0, 1, 0, 0, 0, 0, 0, 0},
    };
    for (size_t i = 0; i < COUNT(nonsense); i++) {
        struct domm_error err;
        struct domm_wire message;
        bool got;
        if (i)
            assert_int_equal(link_up(state), 0);
        assert_int_equal(write(ends[0], nonsense[i], sizeof(nonsense[i])), sizeof(nonsense[i]));
        assert_int_equal(domm_peer_hear(&destination, &message, &got, &err), -DOMM_REFUSED);
        assert_false(got);
        if (i + 1 < COUNT(nonsense))
            link_down(state);
    }
}

static void silence_is_broken_in_time(void **state)
{
    (void)state;
    struct domm_error err;
    struct domm_wire message;
    int rest;
    assert_int_equal(domm_peer_beat(&source, &rest, &err), 0);
    assert_in_range(rest, 1, DOMM_PEER_BEAT_MS);
    assert_false(hear(&destination, &message));
    for (uint64_t i = 1; i <= 2; i++) {
        source.said_ms -= DOMM_PEER_BEAT_MS;
        assert_int_equal(domm_peer_beat(&source, &rest, &err), 0);
        assert_int_equal(rest, DOMM_PEER_BEAT_MS);
        assert_true(hear(&destination, &message));
        assert_int_equal(message.type, DOMM_MESSAGE_HEARTBEAT);
        assert_int_equal(message.heartbeat, i);
    }
    /* Whatever else is said breaks it as well. */
    source.said_ms -= DOMM_PEER_BEAT_MS;
    say(&source, &(struct domm_wire){.type = DOMM_MESSAGE_COMMIT});
    assert_int_equal(domm_peer_beat(&source, &rest, &err), 0);
    assert_int_equal(source.beats, 2);
}

static void silence_is_noticed(void **state)
{
    (void)state;
    struct domm_wire message;
    const int64_t long_ago = domm_peer_now_ms() - DOMM_PEER_SILENCE_MS;
    destination.heard_ms = long_ago;
    assert_false(hear(&destination, &message));
    assert_int_equal(destination.heard_ms, long_ago);
    /* A piece of a frame is a sign of life. */
    assert_int_equal(write(ends[0], "D", 1), 1);
    assert_false(hear(&destination, &message));
    assert_true(destination.heard_ms > long_ago + DOMM_PEER_SILENCE_MS / 2);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, link_up, link_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(messages_go_both_ways),
        EACH(frames_may_be_cut_anywhere),
        EACH(frames_may_come_together),
        EACH(what_cannot_be_written_waits),
        EACH(the_largest_frame_passes),
        EACH(a_closed_link_fails),
        EACH(after_the_end_nothing_can_be_said),
        EACH(each_end_may_say_its_own_only),
        EACH(what_is_no_frame_is_refused),
        EACH(silence_is_broken_in_time),
        EACH(silence_is_noticed),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("peer", tests, NULL, NULL);
}
