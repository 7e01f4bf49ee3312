/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What savers are made of, without Xen: the filter behind libxenguest, the pump, the policy, and
 * the talk between a child and its parent. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/stream/child.h"
#include "lib/stream/policy.h"
#include "lib/stream/pump.h"
#include "lib/stream/stream_filter.h"
#include "lib/xen/hv.h"

#define GFNS 16
#define L1TAB UINT64_C(0x1000000000000000)
#define PINNED_L4 UINT64_C(0xc000000000000000)
#define XTAB UINT64_C(0xf000000000000000)

/* A stream as libxenguest would write it. */
struct stream {
    size_t size;
    unsigned char bytes[1 << 18];
};

static void put(struct stream *stream, const void *bytes, size_t size)
{
    assert_true(size <= sizeof(stream->bytes) - stream->size);
    memcpy(stream->bytes + stream->size, bytes, size);
    stream->size += size;
}

static void put_head(struct stream *stream, uint32_t type, uint32_t length)
{
    put(stream, &(struct domm_libxc_head){.type = type, .length = length},
        sizeof(struct domm_libxc_head));
}

static void put_record(struct stream *stream, uint32_t type, uint32_t length)
{
    static const unsigned char body[64] = "body";
    put_head(stream, type, length);
    put(stream, body, (length + 7u) & ~7u);
}

static void fill_page(unsigned char page[DOMM_PAGE_SIZE], unsigned char value)
{
    memset(page, value, DOMM_PAGE_SIZE);
}

/* The page of gfn n is full of n, plus `change`. */
static void put_pages(struct stream *stream, const uint64_t *entries, uint32_t count,
                      unsigned char change)
{
    unsigned char page[DOMM_PAGE_SIZE];
    uint32_t pages = 0;
    for (uint32_t i = 0; i < count; i++)
        pages += DOMM_ENTRY_TYPE(entries[i]) < DOMM_PAGE_TYPE_BROKEN;
    put_head(stream, DOMM_LIBXC_PAGE_DATA, 8 + 8 * count + DOMM_PAGE_SIZE * pages);
    put(stream, &(struct domm_libxc_pages){.count = count}, 8);
    put(stream, entries, 8 * count);
    for (uint32_t i = 0; i < count; i++) {
        fill_page(page, (unsigned char)(DOMM_ENTRY_GFN(entries[i]) + change));
        if (DOMM_ENTRY_TYPE(entries[i]) < DOMM_PAGE_TYPE_BROKEN)
            put(stream, page, sizeof(page));
    }
}

static void put_headers(struct stream *stream)
{
    unsigned char headers[DOMM_LIBXC_HEADER_BYTES];
    memset(headers, 0xff, sizeof(headers));
    put(stream, headers, sizeof(headers));
    put_record(stream, 0x02, 8);
    put_record(stream, DOMM_LIBXC_P2M_FRAMES, 13);
}

static const uint64_t entries[] = {0, 1, L1TAB | 2, 3, XTAB | 4, 5, PINNED_L4 | 6, XTAB | 7};

struct fixture {
    struct stream in, expected;
    struct domm_shadow *shadow;
    struct domm_sink sink;
    struct domm_stream_filter *filter;
};

static struct fixture *setup(bool verify)
{
    struct domm_error err = {0};
    unsigned char page[DOMM_PAGE_SIZE];
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_int_equal(domm_shadow_new(GFNS, &fixture->shadow, &err), 0);
    /* 0, 2, 3, 4 and 6 were sent before; 3 has changed since. */
    for (unsigned gfn = 0; gfn < 7; gfn++) {
        fill_page(page, (unsigned char)(gfn == 3 ? 99 : gfn));
        if (gfn != 1 && gfn != 5)
            assert_true(domm_shadow_note(fixture->shadow, gfn, page));
    }
    fixture->sink.fd = memfd_create("sink", MFD_CLOEXEC);
    assert_int_equal(
        domm_stream_filter_new(fixture->shadow, &fixture->sink, verify, &fixture->filter, &err), 0);
    return fixture;
}

static void teardown(struct fixture *fixture)
{
    domm_stream_filter_free(fixture->filter);
    domm_shadow_free(fixture->shadow);
    close(fixture->sink.fd);
    free(fixture);
}

static void assert_written(const struct fixture *fixture)
{
    const struct stream *expected = &fixture->expected;
    cleanup_free unsigned char *written = malloc(sizeof(expected->bytes));
    assert_int_equal(fixture->sink.bytes, expected->size);
    assert_int_equal(pread(fixture->sink.fd, written, sizeof(expected->bytes), 0), expected->size);
    assert_memory_equal(written, expected->bytes, expected->size);
}

static void put_example(struct fixture *fixture)
{
    static const uint64_t stay[] = {1, L1TAB | 2, 3, XTAB | 4, 5, PINNED_L4 | 6, XTAB | 7};
    put_headers(&fixture->in);
    put_pages(&fixture->in, entries, COUNT(entries), 0);
    put_headers(&fixture->expected);
    put_pages(&fixture->expected, stay, COUNT(stay), 0);
}

static void pages_that_the_destination_has_are_dropped(void **state)
{
    (void)state;
    struct domm_error err = {0};
    struct fixture *fixture = setup(false);
    put_example(fixture);
    put_record(&fixture->in, 0, 0);
    put_record(&fixture->expected, 0, 0);
    assert_int_equal(
        domm_stream_filter_feed(fixture->filter, fixture->in.bytes, fixture->in.size, &err), 0);
    assert_written(fixture);
    assert_int_equal(domm_stream_filter_count(fixture->filter)->dropped, 1);
    assert_int_equal(domm_stream_filter_count(fixture->filter)->passed, 5);
    assert_int_equal(domm_stream_filter_count(fixture->filter)->abandoned, 1);
    teardown(fixture);
}

static void a_stream_may_be_cut_anywhere(void **state)
{
    (void)state;
    static const size_t pieces[] = {1, 7, 8, 4095, 4097, 10000};
    for (size_t i = 0; i < COUNT(pieces); i++) {
        struct domm_error err = {0};
        struct fixture *fixture = setup(false);
        put_example(fixture);
        put_record(&fixture->in, 8, 24);
        put_record(&fixture->expected, 8, 24);
        for (size_t at = 0; at < fixture->in.size; at += pieces[i]) {
            size_t left = fixture->in.size - at;
            assert_int_equal(domm_stream_filter_feed(fixture->filter, fixture->in.bytes + at,
                                                     left < pieces[i] ? left : pieces[i], &err),
                             0);
        }
        assert_written(fixture);
        teardown(fixture);
    }
}

static void a_batch_of_nothing_new_leaves_nothing(void **state)
{
    (void)state;
    static const uint64_t old[] = {0};
    struct domm_error err = {0};
    struct fixture *fixture = setup(false);
    put_headers(&fixture->in);
    put_pages(&fixture->in, old, 1, 0);
    put_headers(&fixture->expected);
    assert_int_equal(
        domm_stream_filter_feed(fixture->filter, fixture->in.bytes, fixture->in.size, &err), 0);
    assert_written(fixture);
    teardown(fixture);
}

static void verifying_sends_all_pages_again_before_later_records(void **state)
{
    (void)state;
    struct domm_error err = {0};
    struct fixture *fixture = setup(true);
    put_example(fixture);
    put_record(&fixture->in, 8, 24);
    put_record(&fixture->in, 0, 0);
    put_head(&fixture->expected, DOMM_LIBXC_VERIFY, 0);
    put_pages(&fixture->expected, entries, COUNT(entries), 0);
    put_record(&fixture->expected, 8, 24);
    put_record(&fixture->expected, 0, 0);
    assert_int_equal(
        domm_stream_filter_feed(fixture->filter, fixture->in.bytes, fixture->in.size, &err), 0);
    assert_written(fixture);
    teardown(fixture);
}

static void pages_may_be_written_between_when_all_before_them_is_out(void **state)
{
    (void)state;
    struct domm_error err = {0};
    struct fixture *fixture = setup(false);
    put_headers(&fixture->in);
    for (size_t i = 0; i < fixture->in.size; i++) {
        assert_false(domm_stream_filter_at_pages(fixture->filter));
        assert_int_equal(domm_stream_filter_feed(fixture->filter, fixture->in.bytes + i, 1, &err),
                         0);
    }
    assert_true(domm_stream_filter_at_pages(fixture->filter));
    assert_int_equal(fixture->sink.bytes, fixture->in.size);
    teardown(fixture);
}

static void malformed_records_are_refused(void **state)
{
    (void)state;
    static const struct {
        uint32_t type, length, count;
        uint64_t entry;
    } bad[] = {
        {DOMM_LIBXC_PAGE_DATA, 8, 0, 0},
        {DOMM_LIBXC_PAGE_DATA, 8 + 8, 1, 0},
        {DOMM_LIBXC_PAGE_DATA, 8 + 8 + 4096, 1, XTAB},
        {DOMM_LIBXC_PAGE_DATA, 8 + 8 + 4096, 1025, 0},
        {DOMM_LIBXC_PAGE_DATA, 8 + 8 + 4096, UINT32_MAX, 0},
        {0x08, UINT32_MAX, 0, 0},
        {0x08, (128u << 20) + 1, 0, 0},
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct domm_error err = {0};
        struct fixture *fixture = setup(false);
        put_headers(&fixture->in);
        put_head(&fixture->in, bad[i].type, bad[i].length);
        put(&fixture->in, &(struct domm_libxc_pages){.count = bad[i].count}, 8);
        put(&fixture->in, &bad[i].entry, 8);
        assert_int_equal(
            domm_stream_filter_feed(fixture->filter, fixture->in.bytes, fixture->in.size, &err),
            -DOMM_FAILED);
        teardown(fixture);
    }
}

static void the_pump_feeds_the_filter(void **state)
{
    (void)state;
    struct domm_error err = {0};
    struct domm_pump *pump;
    struct fixture *fixture = setup(false);
    put_example(fixture);
    struct stream *in = &fixture->in;
    assert_int_equal(domm_pump_start(fixture->filter, &pump, &err), 0);
    assert_int_equal(write(domm_pump_fd(pump), in->bytes, 80), 80);
    assert_int_equal(domm_pump_await(pump, &err), 0);
    assert_int_equal(write(domm_pump_fd(pump), in->bytes + 80, in->size - 80), in->size - 80);
    assert_int_equal(domm_pump_finish(pump, &err), 0);
    assert_written(fixture);
    teardown(fixture);
}

static void a_pump_that_fails_lets_its_writer_fail(void **state)
{
    (void)state;
    struct domm_error err = {0};
    struct domm_pump *pump;
    struct fixture *fixture = setup(false);
    int broken[2];
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe(broken), 0);
    close(broken[0]);
    int sink = fixture->sink.fd;
    fixture->sink.fd = broken[1];
    put_example(fixture);
    assert_int_equal(domm_pump_start(fixture->filter, &pump, &err), 0);
    ssize_t written = 0;
    while (written >= 0)
        written = write(domm_pump_fd(pump), fixture->in.bytes, fixture->in.size);
    assert_int_equal(domm_pump_await(pump, &err), -DOMM_FAILED);
    assert_int_equal(domm_pump_finish(pump, &err), -DOMM_FAILED);
    assert_contains(err.text, "writing to the destination");
    close(broken[1]);
    fixture->sink.fd = sink;
    teardown(fixture);
}

static void a_stream_without_a_p2m_fails(void **state)
{
    (void)state;
    struct domm_error err = {0};
    struct domm_pump *pump;
    struct fixture *fixture = setup(false);
    assert_int_equal(domm_pump_start(fixture->filter, &pump, &err), 0);
    int other = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(other, domm_pump_fd(pump)); /* the end of the input, as libxenguest's death would be */
    assert_int_equal(domm_pump_await(pump, &err), -DOMM_FAILED);
    assert_int_equal(domm_pump_finish(pump, &err), 0);
    close(other);
    teardown(fixture);
}

static int make_pipe(int ends[2])
{
    return pipe(ends);
}

static int make_sockets(int ends[2])
{
    return socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
}

/* What domm_libxl_await says of a stream of these bytes, and what is left of it. */
static int await(int (*make)(int ends[2]), const void *bytes, size_t size, unsigned char *left,
                 ssize_t *size_left)
{
    struct domm_error err;
    int ends[2];
    assert_int_equal(make(ends), 0);
    assert_int_equal(write(ends[1], bytes, size), size);
    close(ends[1]);
    int rc = domm_libxl_await(ends[0], &err);
    *size_left = read(ends[0], left, 64);
    close(ends[0]);
    return rc;
}

static void a_stream_is_looked_at_before_libxl_reads_it(void **state)
{
    (void)state;
    unsigned char bytes[DOMM_LIBXL_BEGIN_BYTES + 8] = {0}, left[64];
    int (*const makes[])(int ends[2]) = {make_pipe, make_sockets};
    ssize_t size;
    memcpy(bytes, domm_libxl_begin, sizeof(domm_libxl_begin));
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(await(makes[i], bytes, sizeof(bytes), left, &size), 0);
        assert_int_equal(size, sizeof(bytes));
        assert_memory_equal(left, bytes, sizeof(bytes));
        assert_int_equal(await(makes[i], bytes, DOMM_LIBXL_BEGIN_BYTES, left, &size), 0);
        assert_int_equal(await(makes[i], bytes, 0, left, &size), -DOMM_FAILED);
        assert_int_equal(await(makes[i], bytes, DOMM_LIBXL_BEGIN_BYTES - 1, left, &size),
                         -DOMM_FAILED);
        assert_int_equal(await(makes[i], "a message that is no stream of libxl", 36, left, &size),
                         -DOMM_REFUSED);
    }
}

static void a_small_dirty_set_has_converged(void **state)
{
    (void)state;
    struct domm_policy policy = {.enough = 50};
    domm_policy_count(&policy, 51);
    assert_false(policy.converged || policy.settled);
    assert_int_equal(domm_policy_pause(&policy, 4000000000), 0);
    domm_policy_count(&policy, 50);
    assert_true(policy.converged && policy.settled);
    assert_int_equal(domm_policy_pause(&policy, 10000000), 300);
    assert_int_equal(domm_policy_pause(&policy, 4000000000), 4000);
    assert_int_equal(domm_policy_pause(&policy, 60000000000), 5000);
    struct domm_policy other = policy;
    domm_policy_count(&policy, 102);
    assert_false(policy.converged || policy.settled);
    domm_policy_count(&other, 101); /* a little more does not change it */
    assert_true(other.converged && other.settled);
}

static void a_dirty_set_that_does_not_shrink_settles(void **state)
{
    (void)state;
    struct domm_policy policy = {.enough = 50};
    static const uint64_t counts[] = {40000, 9000, 8900, 9100, 8000};
    for (size_t i = 0; i < COUNT(counts); i++) {
        assert_false(policy.settled);
        domm_policy_count(&policy, counts[i]);
    }
    assert_true(policy.settled);
    assert_false(policy.converged);
}

static void a_dirty_set_that_shrinks_slowly_settles_some_time(void **state)
{
    (void)state;
    struct domm_policy policy = {.enough = 50};
    uint64_t dirty = UINT64_C(1) << 40;
    int rounds = 0;
    for (; !policy.settled; rounds++, dirty = dirty * 3 / 4)
        domm_policy_count(&policy, dirty);
    assert_int_equal(rounds, 30);
}

/* Tells what it was told, and whether a descriptor of the parent's is still there. */
static int echo(void *context, int control, struct domm_error *err)
{
    int inherited = *(int *)context;
    int command = domm_child_next_command(control, -1);
    if (command == DOMM_COMMAND_STOP)
        return domm_fail(err, DOMM_REFUSED, "as asked");
    struct domm_progress progress = {.kind = DOMM_PROGRESS_SENT,
                                     .rounds = (uint32_t)command,
                                     .domid = fcntl(inherited, F_GETFD) < 0 ? 1 : 0};
    if (write(DOMM_CHILD_STREAM, "stream", 6) != 6)
        return domm_fail(err, DOMM_FAILED, "no stream");
    return domm_child_report(control, &progress, err);
}

static int sleep_long(void *context, int control, struct domm_error *err)
{
    (void)context;
    (void)control;
    (void)err;
    sleep(60);
    return 0;
}

static void a_child_hears_and_is_heard(void **state)
{
    (void)state;
    struct domm_error err = {0};
    struct domm_child child;
    struct domm_progress progress;
    char text[8] = "";
    int pipe_fds[2];
    assert_int_equal(pipe(pipe_fds), 0);
    int other = fcntl(pipe_fds[1], F_DUPFD, 100);
    assert_int_equal(domm_child_start(NULL, pipe_fds[1], echo, &other, &child, &err), 0);
    assert_int_equal(domm_child_receive(&child, 10, &progress, &err), 0);
    assert_int_equal(progress.kind, DOMM_PROGRESS_NONE);
    assert_int_equal(domm_child_command(&child, DOMM_COMMAND_FINISH, &err), 0);
    assert_int_equal(domm_child_receive(&child, 10000, &progress, &err), 0);
    assert_int_equal(progress.kind, DOMM_PROGRESS_SENT);
    assert_int_equal(progress.rounds, DOMM_COMMAND_FINISH);
    assert_int_equal(progress.domid, 1);
    assert_int_equal(read(pipe_fds[0], text, 6), 6);
    assert_string_equal(text, "stream");
    assert_int_equal(domm_child_receive(&child, 10000, &progress, &err), 0);
    assert_int_equal(progress.kind, DOMM_PROGRESS_ENDED);
    domm_child_end(&child, 1000);
    domm_child_end(&child, 1000);
    close(other);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
}

static void a_childs_error_arrives(void **state)
{
    (void)state;
    struct domm_error err = {0};
    struct domm_child child;
    struct domm_progress progress;
    int other = 100;
    assert_int_equal(domm_child_start(NULL, STDERR_FILENO, echo, &other, &child, &err), 0);
    assert_int_equal(domm_child_command(&child, DOMM_COMMAND_STOP, &err), 0);
    assert_int_equal(domm_child_receive(&child, 10000, &progress, &err), 0);
    assert_int_equal(progress.kind, DOMM_PROGRESS_FAILED);
    assert_int_equal(progress.code, DOMM_REFUSED);
    assert_string_equal(progress.text, "as asked");
    domm_child_end(&child, 1000);
}

static void a_child_that_cannot_start_says_so(void **state)
{
    (void)state;
    struct domm_error err = {0};
    struct domm_child child;
    struct domm_progress progress;
    assert_int_equal(domm_child_start(NULL, -1, echo, NULL, &child, &err), 0);
    assert_int_equal(domm_child_receive(&child, 10000, &progress, &err), 0);
    assert_int_equal(progress.kind, DOMM_PROGRESS_FAILED);
    assert_contains(progress.text, "setting up a process");
    domm_child_end(&child, 1000);
}

static void a_deaf_child_is_killed(void **state)
{
    (void)state;
    struct domm_error err = {0};
    struct domm_child child;
    assert_int_equal(domm_child_start(NULL, STDERR_FILENO, sleep_long, NULL, &child, &err), 0);
    uint64_t start = domm_now_ns();
    domm_child_end(&child, 100);
    assert_true(domm_now_ns() - start < UINT64_C(10000000000));
    assert_int_equal(child.pid, 0);
}

static void a_page_is_sent_when_it_has_changed(void **state)
{
    (void)state;
    struct domm_error err = {0};
    struct domm_shadow *shadow;
    unsigned char page[DOMM_PAGE_SIZE];
    assert_int_equal(domm_shadow_new(2, &shadow, &err), 0);
    fill_page(page, 7);
    assert_false(domm_shadow_has(shadow, 0));
    assert_false(domm_shadow_is(shadow, 0, page));
    assert_true(domm_shadow_note(shadow, 0, page));
    assert_true(domm_shadow_is(shadow, 0, page));
    assert_false(domm_shadow_note(shadow, 0, page));
    for (unsigned bit = 0; bit < 8 * DOMM_PAGE_SIZE; bit++) {
        page[bit / 8] ^= (unsigned char)(1u << bit % 8);
        assert_false(domm_shadow_is(shadow, 0, page));
        page[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    page[4095] ^= 1;
    assert_true(domm_shadow_note(shadow, 0, page));
    assert_true(domm_shadow_is(shadow, 0, page));
    assert_false(domm_shadow_has(shadow, 1));
    assert_false(domm_shadow_has(shadow, 2));
    domm_shadow_free(shadow);
}

/* XXH3 multiplies the halves of words that a seed is added to. With these low halves of words 0 and
 * 96, one of 64 seeds loses a change of the highest bit of both. */
static void craft_page(uint64_t page[DOMM_PAGE_SIZE / 8])
{
    for (size_t i = 0; i < DOMM_PAGE_SIZE / 8; i++)
        page[i] = i * UINT64_C(0x123456789abcdef);
    page[96] = page[0] ^ UINT64_C(0x0a0a0410);
}

static void a_guest_cannot_make_a_change_that_is_missed(void **state)
{
    (void)state;
    struct domm_error err = {0};
    struct domm_shadow *shadow;
    uint64_t page[DOMM_PAGE_SIZE / 8];
    craft_page(page);
    for (unsigned i = 0; i < 2000; i++) {
        assert_int_equal(domm_shadow_new(1, &shadow, &err), 0);
        assert_true(domm_shadow_note(shadow, 0, (unsigned char *)page));
        page[0] ^= UINT64_C(0x8000000000000000);
        page[96] ^= UINT64_C(0x8000000000000000);
        assert_true(domm_shadow_note(shadow, 0, (unsigned char *)page));
        domm_shadow_free(shadow);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_is_sent_when_it_has_changed),
        cmocka_unit_test(a_guest_cannot_make_a_change_that_is_missed),
        cmocka_unit_test(pages_that_the_destination_has_are_dropped),
        cmocka_unit_test(a_stream_may_be_cut_anywhere),
        cmocka_unit_test(a_batch_of_nothing_new_leaves_nothing),
        cmocka_unit_test(verifying_sends_all_pages_again_before_later_records),
        cmocka_unit_test(pages_may_be_written_between_when_all_before_them_is_out),
        cmocka_unit_test(malformed_records_are_refused),
        cmocka_unit_test(the_pump_feeds_the_filter),
        cmocka_unit_test(a_pump_that_fails_lets_its_writer_fail),
        cmocka_unit_test(a_stream_without_a_p2m_fails),
        cmocka_unit_test(a_stream_is_looked_at_before_libxl_reads_it),
        cmocka_unit_test(a_small_dirty_set_has_converged),
        cmocka_unit_test(a_dirty_set_that_does_not_shrink_settles),
        cmocka_unit_test(a_dirty_set_that_shrinks_slowly_settles_some_time),
        cmocka_unit_test(a_child_hears_and_is_heard),
        cmocka_unit_test(a_childs_error_arrives),
        cmocka_unit_test(a_child_that_cannot_start_says_so),
        cmocka_unit_test(a_deaf_child_is_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
