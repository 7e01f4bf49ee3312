/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The link between the two ends of a migration. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/migrate/protocol/control_link.h"

static unsigned char bytes[DOMM_WIRE_MAX_CHUNK];

/* Both ends of one link. They are big. */
static struct domm_control_link source, destination;
static int ends[2];

static int link_up(void **state)
{
    struct domm_error err;
    (void)state;
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) ||
           domm_control_link_begin(&source, true, ends[0], ends[0], &err) ||
           domm_control_link_begin(&destination, false, ends[1], ends[1], &err);
}

static void hang_up(int end)
{
    close(ends[end]);
    ends[end] = -1;
}

static int link_down(void **state)
{
    (void)state;
    domm_control_link_end(&source);
    domm_control_link_end(&destination);
    for (int end = 0; end < 2; end++) {
        if (ends[end] >= 0)
            hang_up(end);
    }
    return 0;
}

static struct domm_message chunk(uint32_t offset)
{
    return (struct domm_message){
        .type = DOMM_MESSAGE_STATE,
        .chunk = {.offset = offset, .size = sizeof(bytes), .bytes = bytes}};
}

static void send_next(struct domm_control_link *link, const struct domm_message *message)
{
    struct domm_error err;
    if (domm_control_link_send(link, message, &err))
        fail_msg("%s", err.text);
}

/* Whether there was one. */
static bool receive_next(struct domm_control_link *link, struct domm_message *message_r)
{
    struct domm_error err;
    bool got;
    if (domm_control_link_receive(link, message_r, &got, &err))
        fail_msg("%s", err.text);
    return got;
}

static void messages_go_both_ways(void **state)
{
    (void)state;
    struct domm_message message;
    assert_false(receive_next(&source, &message));
    assert_false(receive_next(&destination, &message));
    send_next(&source, &(struct domm_message){.type = DOMM_MESSAGE_COMMIT});
    send_next(&destination, &(struct domm_message){.type = DOMM_MESSAGE_COMMITTED});
    assert_true(receive_next(&source, &message));
    assert_int_equal(message.type, DOMM_MESSAGE_COMMITTED);
    assert_true(receive_next(&destination, &message));
    assert_int_equal(message.type, DOMM_MESSAGE_COMMIT);
    assert_false(receive_next(&source, &message));
    assert_false(receive_next(&destination, &message));
}

static void frames_may_be_cut_anywhere(void **state)
{
    (void)state;
    static unsigned char frame[DOMM_WIRE_MAX_FRAME];
    static const struct domm_message messages[] = {
        {.type = DOMM_MESSAGE_COMMIT},
        {.type = DOMM_MESSAGE_HEARTBEAT, .heartbeat = 77},
        {.type = DOMM_MESSAGE_ERROR, .error = {DOMM_PREFLIGHT, "no room for target1"}},
    };
    struct domm_error err;
    struct domm_message message;
    for (size_t i = 0; i < COUNT(messages); i++) {
        size_t size;
        assert_int_equal(domm_message_encode(&messages[i], frame, &size, &err), 0);
        for (size_t at = 0; at < size; at++) {
            assert_int_equal(write(ends[0], frame + at, 1), 1);
            assert_int_equal(receive_next(&destination, &message), at + 1 == size);
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
    struct domm_message message;
    for (uint64_t i = 0; i < 100; i++) {
        const struct domm_message beat = {.type = DOMM_MESSAGE_HEARTBEAT, .heartbeat = i};
        assert_int_equal(domm_message_encode(&beat, together + used, &size, &err), 0);
        used += size;
    }
    assert_int_equal(write(ends[0], together, used - 3), used - 3);
    for (uint64_t i = 0; i < 99; i++) {
        assert_true(receive_next(&destination, &message));
        assert_int_equal(message.heartbeat, i);
    }
    assert_false(receive_next(&destination, &message));
    assert_int_equal(write(ends[0], together + used - 3, 3), 3);
    assert_true(receive_next(&destination, &message));
    assert_int_equal(message.heartbeat, 99);
}

/* Neither end waits for the other: what does not go out is kept, and stays in order. */
static void unsent_bytes_wait(void **state)
{
    (void)state;
    const uint32_t count = 50;
    struct domm_error err;
    struct domm_message message;
    memset(bytes, 'x', sizeof(bytes));
    for (uint32_t i = 0; i < count; i++) {
        const struct domm_message piece = chunk(i);
        send_next(&source, &piece);
    }
    assert_true(source.queued > 0);
    for (uint32_t i = 0; i < count;) {
        assert_int_equal(domm_control_link_flush(&source, &err), 0);
        if (!receive_next(&destination, &message))
            continue;
        assert_int_equal(message.chunk.offset, i++);
        assert_int_equal(message.chunk.size, sizeof(bytes));
        assert_memory_equal(message.chunk.bytes, bytes, sizeof(bytes));
    }
    assert_int_equal(source.queued, 0);
    assert_false(receive_next(&destination, &message));
}

static void the_largest_frame_passes(void **state)
{
    (void)state;
    struct domm_message message, big = chunk(7);
    struct domm_error err;
    bool got = false;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)(i * 13);
    send_next(&source, &big);
    while (!got) {
        assert_int_equal(domm_control_link_flush(&source, &err), 0);
        got = receive_next(&destination, &message);
    }
    assert_memory_equal(message.chunk.bytes, bytes, sizeof(bytes));
}

static void a_closed_link_fails(void **state)
{
    (void)state;
    struct domm_error err;
    struct domm_message message;
    bool got;
    send_next(&source, &(struct domm_message){.type = DOMM_MESSAGE_COMMIT});
    assert_int_equal(write(ends[0], "DOMC", 4), 4); /* cut short, after a frame */
    hang_up(0);
    assert_true(receive_next(&destination, &message)); /* what was said before counts */
    assert_int_equal(domm_control_link_receive(&destination, &message, &got, &err), -DOMM_FAILED);
    assert_contains(err.text, "has closed the link");
    assert_false(got);
    assert_int_equal(domm_control_link_send(
                         &destination, &(struct domm_message){.type = DOMM_MESSAGE_ACCEPT}, &err),
                     -DOMM_FAILED);
    assert_contains(err.text, "writing to the other host");
    assert_int_equal(domm_control_link_flush(&destination, &err), -DOMM_FAILED);
}

/* A login shell's greeting is shown as what it is; after a frame the same bytes are just wrong. */
static void what_a_shell_prints_is_named(void **state)
{
    (void)state;
    static const char banner[] = "Welcome to \033[1mhost2\r\nLast login: today\n";
    struct domm_error err;
    struct domm_message message;
    bool got;
    assert_int_equal(write(ends[0], banner, strlen(banner)), (ssize_t)strlen(banner));
    assert_int_equal(domm_control_link_receive(&destination, &message, &got, &err), -DOMM_REFUSED);
    assert_contains(err.text, "has printed \"Welcome to ?[1mhost2\"");
    assert_contains(err.hint, "nothing may be printed");
    send_next(&destination, &(struct domm_message){.type = DOMM_MESSAGE_ACCEPT});
    assert_int_equal(write(ends[1], banner, strlen(banner)), (ssize_t)strlen(banner));
    assert_true(receive_next(&source, &message));
    assert_int_equal(domm_control_link_receive(&source, &message, &got, &err), -DOMM_REFUSED);
    assert_contains(err.text, "magic number");
}

static void a_short_greeting_is_named_too(void **state)
{
    (void)state;
    struct domm_error err;
    struct domm_message message;
    bool got;
    assert_int_equal(write(ends[0], "hi\n", 3), 3);
    hang_up(0);
    assert_false(receive_next(&destination, &message));
    assert_int_equal(domm_control_link_receive(&destination, &message, &got, &err), -DOMM_REFUSED);
    assert_contains(err.text, "has printed \"hi\"");
}

static void after_the_end_nothing_can_be_said(void **state)
{
    (void)state;
    struct domm_error err;
    domm_control_link_end(&source);
    assert_int_equal(
        domm_control_link_send(&source, &(struct domm_message){.type = DOMM_MESSAGE_COMMIT}, &err),
        -DOMM_FAILED);
    assert_contains(err.text, "the link is closed");
}

static void each_end_may_say_its_own_only(void **state)
{
    (void)state;
    struct domm_error err;
    struct domm_message message;
    bool got;
    send_next(&source, &(struct domm_message){.type = DOMM_MESSAGE_PREPARED});
    assert_int_equal(domm_control_link_receive(&destination, &message, &got, &err), -DOMM_REFUSED);
    assert_contains(err.text, "the other end must not send");
    assert_false(got);
    send_next(&destination, &(struct domm_message){.type = DOMM_MESSAGE_COMMIT});
    assert_int_equal(domm_control_link_receive(&source, &message, &got, &err), -DOMM_REFUSED);
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
        struct domm_message message;
        bool got;
        if (i)
            assert_int_equal(link_up(state), 0);
        assert_int_equal(write(ends[0], nonsense[i], sizeof(nonsense[i])), sizeof(nonsense[i]));
        assert_int_equal(domm_control_link_receive(&destination, &message, &got, &err),
                         -DOMM_REFUSED);
        assert_false(got);
        if (i + 1 < COUNT(nonsense))
            link_down(state);
    }
}

static void silence_is_broken_in_time(void **state)
{
    (void)state;
    struct domm_error err;
    struct domm_message message;
    int rest;
    assert_int_equal(domm_control_link_heartbeat(&source, &rest, &err), 0);
    assert_in_range(rest, 1, DOMM_CONTROL_LINK_HEARTBEAT_MS);
    assert_false(receive_next(&destination, &message));
    for (uint64_t i = 1; i <= 2; i++) {
        source.sent_ms -= DOMM_CONTROL_LINK_HEARTBEAT_MS;
        assert_int_equal(domm_control_link_heartbeat(&source, &rest, &err), 0);
        assert_int_equal(rest, DOMM_CONTROL_LINK_HEARTBEAT_MS);
        assert_true(receive_next(&destination, &message));
        assert_int_equal(message.type, DOMM_MESSAGE_HEARTBEAT);
        assert_int_equal(message.heartbeat, i);
    }
    /* Whatever else is said breaks it as well. */
    source.sent_ms -= DOMM_CONTROL_LINK_HEARTBEAT_MS;
    send_next(&source, &(struct domm_message){.type = DOMM_MESSAGE_COMMIT});
    assert_int_equal(domm_control_link_heartbeat(&source, &rest, &err), 0);
    assert_int_equal(source.beats, 2);
}

static void silence_is_noticed(void **state)
{
    (void)state;
    struct domm_message message;
    const int64_t long_ago = domm_now_ms() - DOMM_CONTROL_LINK_SILENCE_MS;
    destination.received_ms = long_ago;
    assert_false(receive_next(&destination, &message));
    assert_int_equal(destination.received_ms, long_ago);
    /* A piece of a frame is a sign of life. */
    assert_int_equal(write(ends[0], "D", 1), 1);
    assert_false(receive_next(&destination, &message));
    assert_true(destination.received_ms > long_ago + DOMM_CONTROL_LINK_SILENCE_MS / 2);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, link_up, link_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(messages_go_both_ways),
        EACH(frames_may_be_cut_anywhere),
        EACH(frames_may_come_together),
        EACH(unsent_bytes_wait),
        EACH(the_largest_frame_passes),
        EACH(a_closed_link_fails),
        EACH(what_a_shell_prints_is_named),
        EACH(a_short_greeting_is_named_too),
        EACH(after_the_end_nothing_can_be_said),
        EACH(each_end_may_say_its_own_only),
        EACH(what_is_no_frame_is_refused),
        EACH(silence_is_broken_in_time),
        EACH(silence_is_noticed),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("peer", tests, NULL, NULL);
}
