/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who comes to where guests' streams arrive, and says something else than it should. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/paths.h"
#include "lib/migrate/protocol/control_link.h"
#include "lib/migrate/transport/fd_passing.h"
#include "lib/migrate/transport/relay.h"
#include "tests/unit/streams.h"

static char directory[] = "/tmp/domm-acceptor-XXXXXX";
static unsigned int fds_before;
static struct domm_log test_log;

static const enum domm_data by_port[] = {DOMM_DATA_TCP, DOMM_DATA_TLS};

struct visit {
    struct domm_acceptor *acceptor;
    struct domm_message_streams streams;
    struct domm_error err;
    unsigned int guest;
    int fd;
};

static void visit_begin(struct visit *visit_r, enum domm_data data)
{
    memset(visit_r, 0, sizeof(*visit_r));
    domm_log_init(&test_log, stderr, "test");
    if (domm_acceptor_open(&test_log, data, &migration, &visit_r->acceptor, &visit_r->streams,
                           &visit_r->err))
        fail_msg("%s", visit_r->err.text);
}

static int take(struct visit *visit)
{
    return domm_acceptor_take(visit->acceptor, &visit->guest, &visit->fd, &visit->err);
}

static bool has_work(const struct visit *visit, int timeout_ms)
{
    struct pollfd fd = {.fd = domm_acceptor_fd(visit->acceptor), .events = POLLIN};
    return poll(&fd, 1, timeout_ms) == 1;
}

/* Takes until something comes of it, as a loop that polls does. */
static int take_some(struct visit *visit)
{
    int rc = 0;
    visit->fd = -1;
    for (int tries = 0; tries < 100 && !rc && visit->fd < 0; tries++) {
        if (!has_work(visit, 30000))
            fail_msg("nothing happens");
        rc = take(visit);
    }
    return rc;
}

static int call(const struct visit *visit)
{
    const struct sockaddr_in address = {.sin_family = AF_INET,
                                        .sin_port = htons(visit->streams.port),
                                        .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)))
        fail_msg("%s", strerror(errno));
    return fd;
}

static void expire(struct visit *visit)
{
    for (unsigned int i = 0; i < DOMM_ACCEPTOR_PENDING; i++)
        visit->acceptor->pending[i].deadline_ms = 0;
}

static void answer_to(struct visit *visit, int fd, unsigned int guest,
                      struct domm_auth_response *answer_r)
{
    struct domm_auth_challenge challenge;
    assert_int_equal(recv(fd, &challenge, sizeof(challenge), MSG_WAITALL), sizeof(challenge));
    assert_int_equal(
        domm_auth_response_make(&challenge, visit->streams.key, guest, answer_r, &visit->err), 0);
}

static void nobody_is_there(void **state)
{
    (void)state;
    for (int data = 0; data < DOMM_DATA_KINDS; data++) {
        struct visit visit;
        visit_begin(&visit, (enum domm_data)data);
        assert_false(has_work(&visit, 0));
        assert_int_equal(take(&visit), 0);
        assert_int_equal(visit.fd, -1);
        domm_acceptor_close(visit.acceptor);
    }
    domm_acceptor_close(NULL);
}

static void every_key_is_another(void **state)
{
    (void)state;
    struct visit one, other;
    visit_begin(&one, DOMM_DATA_TCP);
    visit_begin(&other, DOMM_DATA_TLS);
    assert_memory_not_equal(one.streams.key, other.streams.key, sizeof(one.streams.key));
    assert_int_not_equal(one.streams.port, other.streams.port);
    domm_acceptor_close(one.acceptor);
    domm_acceptor_close(other.acceptor);
}

static void garbage_is_turned_away(void **state)
{
    (void)state;
    static const char garbage[] = "GET /memory HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n";
    for (size_t i = 0; i < COUNT(by_port); i++) {
        struct visit visit;
        visit_begin(&visit, by_port[i]);
        int fd = call(&visit);
        assert_int_equal(write(fd, garbage, sizeof(garbage)), sizeof(garbage));
        assert_int_equal(take_some(&visit), -DOMM_REFUSED);
        assert_contains(visit.err.text, "127.0.0.1 port ");
        assert_contains(visit.err.text, "rejected a stream from");
        assert_int_not_equal(read_to_end(fd), ETIMEDOUT);
        close(fd);
        assert_false(has_work(&visit, 0));
        domm_acceptor_close(visit.acceptor);
    }
}

static void who_hangs_up_is_forgotten(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(by_port); i++) {
        struct visit visit;
        visit_begin(&visit, by_port[i]);
        close(call(&visit));
        assert_int_equal(take_some(&visit), -DOMM_REFUSED);
        assert_false(has_work(&visit, 0));
        domm_acceptor_close(visit.acceptor);
    }
}

static void who_is_silent_is_turned_away_in_time(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(by_port); i++) {
        struct visit visit;
        visit_begin(&visit, by_port[i]);
        int fd = call(&visit);
        assert_true(has_work(&visit, 30000));
        assert_int_equal(take(&visit), 0);
        assert_false(has_work(&visit, 0));
        assert_int_equal(take(&visit), 0);
        int64_t rest = visit.acceptor->pending[0].deadline_ms - domm_now_ms();
        assert_in_range(rest, 1, DOMM_ACCEPTOR_PATIENCE_MS);
        expire(&visit);
        assert_int_equal(take(&visit), -DOMM_REFUSED);
        assert_contains(visit.err.text, "did not authenticate in time");
        assert_int_not_equal(read_to_end(fd), ETIMEDOUT);
        close(fd);
        domm_acceptor_close(visit.acceptor);
    }
}

/* "bytes" and the end (coding.h). */
static const unsigned char coded_bytes[8 + 17 + 5 + 17] = "DOMP\0\1\0\0"
                                                          "\1\0\0\0\5\0\0\0\5"
                                                          "\0\0\0\0\0\0\0\0bytes";

static void an_answer_may_come_in_pieces(void **state)
{
    (void)state;
    struct visit visit;
    struct domm_auth_response answer;
    char text[6] = "";
    visit_begin(&visit, DOMM_DATA_TCP);
    int fd = call(&visit);
    assert_true(has_work(&visit, 30000));
    assert_int_equal(take(&visit), 0);
    answer_to(&visit, fd, 5, &answer);
    for (size_t i = 0; i < sizeof(answer); i++) {
        assert_int_equal(visit.fd, -1);
        assert_int_equal(send(fd, (char *)&answer + i, 1, 0), 1);
        assert_true(has_work(&visit, 30000));
        assert_int_equal(take(&visit), 0);
    }
    assert_int_equal(visit.guest, 5);
    assert_int_equal(recv(fd, text, sizeof(text), 0), 1);
    assert_int_equal(text[0], DOMM_WELCOME);
    /* What has been handed out is nothing to be done any more. */
    assert_int_equal(send(fd, coded_bytes, sizeof(coded_bytes), 0), sizeof(coded_bytes));
    assert_false(has_work(&visit, 0));
    assert_int_equal(recv(visit.fd, text, 5, MSG_WAITALL), 5);
    assert_string_equal(text, "bytes");
    assert_int_equal(fcntl(visit.fd, F_GETFL) & O_NONBLOCK, 0);
    close(fd);
    assert_int_equal(read_to_end(visit.fd), 0);
    close(visit.fd);
    domm_acceptor_close(visit.acceptor);
}

/* Who has proved the key may still send anything. */
static void what_is_no_coded_stream_has_no_end(void **state)
{
    (void)state;
    struct visit visit;
    struct domm_auth_response answer;
    char welcome;
    visit_begin(&visit, DOMM_DATA_TCP);
    int fd = call(&visit);
    assert_true(has_work(&visit, 30000));
    assert_int_equal(take(&visit), 0);
    answer_to(&visit, fd, 5, &answer);
    assert_int_equal(send(fd, &answer, sizeof(answer), 0), sizeof(answer));
    assert_int_equal(take_some(&visit), 0);
    assert_int_equal(recv(fd, &welcome, 1, 0), 1);
    assert_int_equal(send(fd, "LibxlFmt", 8, 0), 8);
    assert_int_equal(read_to_end(visit.fd), ECONNRESET);
    close(fd);
    close(visit.fd);
    domm_acceptor_close(visit.acceptor);
}

/* Who has listened to one connection learns nothing for another. */
static void an_answer_is_good_for_once(void **state)
{
    (void)state;
    struct visit visit;
    struct domm_auth_response answer;
    visit_begin(&visit, DOMM_DATA_TCP);
    int fd = call(&visit), other = call(&visit);
    assert_true(has_work(&visit, 30000));
    assert_int_equal(take(&visit), 0);
    answer_to(&visit, fd, 1, &answer);
    assert_int_equal(send(other, &answer, sizeof(answer), 0), sizeof(answer));
    assert_int_equal(take_some(&visit), -DOMM_REFUSED);
    assert_contains(visit.err.text, "does not know the key");
    answer.who.guest[3] = 2;
    assert_int_equal(send(fd, &answer, sizeof(answer), 0), sizeof(answer));
    assert_int_equal(take_some(&visit), -DOMM_REFUSED);
    close(fd);
    close(other);
    domm_acceptor_close(visit.acceptor);
}

static void a_crowd_is_let_in_bit_by_bit(void **state)
{
    (void)state;
    int crowd[DOMM_ACCEPTOR_PENDING + 4];
    for (size_t kind = 0; kind < COUNT(by_port); kind++) {
        struct visit visit;
        visit_begin(&visit, by_port[kind]);
        for (size_t i = 0; i < COUNT(crowd); i++)
            crowd[i] = call(&visit);
        assert_true(has_work(&visit, 30000));
        assert_int_equal(take(&visit), 0);
        /* Nothing to do about those outside until there is room. */
        assert_false(has_work(&visit, 100));
        expire(&visit);
        for (unsigned int i = 0; i < DOMM_ACCEPTOR_PENDING; i++)
            assert_int_equal(take(&visit), -DOMM_REFUSED);
        assert_int_equal(take(&visit), 0);
        unsigned int inside = 0;
        for (unsigned int i = 0; i < DOMM_ACCEPTOR_PENDING; i++)
            inside += visit.acceptor->pending[i].fd >= 0;
        assert_int_equal(inside, 4);
        for (size_t i = 0; i < COUNT(crowd); i++)
            close(crowd[i]);
        for (unsigned int i = 0; i < inside; i++)
            assert_int_equal(take_some(&visit), -DOMM_REFUSED);
        assert_int_equal(take(&visit), 0);
        assert_false(has_work(&visit, 0));
        domm_acceptor_close(visit.acceptor);
    }
}

static void closing_forgets_who_is_inside(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(by_port); i++) {
        struct visit visit;
        visit_begin(&visit, by_port[i]);
        int inside = call(&visit);
        assert_true(has_work(&visit, 30000));
        assert_int_equal(take(&visit), 0);
        int outside = call(&visit);
        domm_acceptor_close(visit.acceptor);
        assert_int_not_equal(read_to_end(inside), ETIMEDOUT);
        assert_int_not_equal(read_to_end(outside), ETIMEDOUT);
        close(inside);
        close(outside);
    }
}

/* In a child. */
_Noreturn static void deliver(unsigned int guest, int fd)
{
    struct domm_error err;
    _exit(domm_acceptor_deliver(&migration, guest, fd, &err) ? 1 : 0);
}

static void a_descriptor_is_delivered(void **state)
{
    (void)state;
    struct visit visit;
    struct stat file;
    int ends[2], status;
    visit_begin(&visit, DOMM_DATA_SSH);
    assert_int_equal(visit.streams.port, 0);
    assert_int_equal(stat(visit.acceptor->path, &file), 0);
    assert_int_equal(file.st_mode, S_IFSOCK | 0600);
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    pid_t child = fork();
    if (child == 0) {
        close(ends[1]);
        deliver(32, ends[0]);
    }
    close(ends[0]);
    assert_int_equal(take_some(&visit), 0);
    assert_int_equal(visit.guest, 32);
    assert_int_equal(write(ends[1], coded_bytes, sizeof(coded_bytes)), sizeof(coded_bytes));
    close(ends[1]);
    assert_int_equal(read_to_end(visit.fd), 0);
    close(visit.fd);
    /* sshd has to believe for so long that somebody reads. */
    assert_int_equal(waitpid(child, &status, WNOHANG), 0);
    domm_acceptor_close(visit.acceptor);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void the_same_guest_is_not_delivered_twice(void **state)
{
    (void)state;
    static const unsigned int second[] = {3, DOMM_ACCEPTOR_GUESTS};
    struct visit visit;
    visit_begin(&visit, DOMM_DATA_SSH);
    pid_t first = fork();
    if (first == 0)
        deliver(3, dup(STDIN_FILENO));
    assert_int_equal(take_some(&visit), 0);
    close(visit.fd);
    for (size_t i = 0; i < COUNT(second); i++) {
        pid_t child = fork();
        if (child == 0)
            deliver(second[i], dup(STDIN_FILENO));
        assert_int_equal(take_some(&visit), -DOMM_REFUSED);
        assert_contains(visit.err.text, "rejected a stream from a process of this host");
        assert_int_equal(waitpid(child, NULL, 0), child);
    }
    domm_acceptor_close(visit.acceptor);
    assert_int_equal(waitpid(first, NULL, 0), first);
}

static void only_a_descriptor_is_delivered(void **state)
{
    (void)state;
    struct visit visit;
    const uint32_t number = 1;
    visit_begin(&visit, DOMM_DATA_SSH);
    for (size_t size = 0; size <= 4; size += 2) { /* 0: hangs up */
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        memcpy(address.sun_path, visit.acceptor->path, sizeof(address.sun_path));
        int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_true(has_work(&visit, 30000));
        assert_int_equal(take(&visit), 0);
        if (size)
            assert_int_equal(domm_fd_send(fd, &number, size, size == 2 ? 2 : -1), size);
        else
            shutdown(fd, SHUT_WR);
        assert_int_equal(take_some(&visit), -DOMM_REFUSED);
        assert_contains(visit.err.text, "does not bring a guest's stream");
        close(fd);
    }
    domm_acceptor_close(visit.acceptor);
}

static void where_nobody_waits_nothing_is_delivered(void **state)
{
    (void)state;
    struct domm_error err;
    assert_int_equal(domm_acceptor_deliver(&migration, 0, STDIN_FILENO, &err), -DOMM_NOT_FOUND);
    assert_contains(err.text, "no migration expects a stream");
    struct domm_acceptor *acceptor;
    struct domm_message_streams streams;
    domm_run_directory = "/nowhere";
    assert_int_equal(
        domm_acceptor_open(&test_log, DOMM_DATA_SSH, &migration, &acceptor, &streams, &err),
        -DOMM_FAILED);
    assert_contains(err.text, "/nowhere/receive-");
    domm_run_directory = directory;
}

/* Whether this is a root that can become somebody else; in a user namespace it may be the only one
 * there is. */
static bool is_root(void)
{
    int status = 1;
    pid_t child = fork();
    if (child == 0)
        _exit(setgroups(0, NULL) || setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534)
                  ? 1
                  : 0);
    return waitpid(child, &status, 0) == child && status == 0;
}

/* In a relay: what it may not do any more. */
static int probe(void *context, struct domm_error *err)
{
    const bool *root = context;
    int rc = domm_relay_confine(err);
    char told = 'n';
    if (!rc && open("/dev/null", O_RDONLY | O_CLOEXEC) < 0 &&
        (!*root || (getuid() != 0 && setuid(0) < 0 && fork() < 0)))
        told = 'y';
    return write(DOMM_RELAY_PLAIN, &told, 1) == 1 ? 0 : -DOMM_FAILED;
}

static void a_relay_has_no_privileges(void **state)
{
    (void)state;
    struct domm_error err;
    struct domm_relay relay;
    bool root = is_root();
    char told = 0;
    assert_int_equal(domm_relay_start(-1, probe, &root, &relay, &err), 0);
    assert_int_equal(read(relay.plain, &told, 1), 1);
    assert_int_equal(told, 'y');
    domm_relay_end(&relay, 10000);
}

static int before(void **state)
{
    (void)state;
    fds_before = count_fds();
    return 0;
}

static int after(void **state)
{
    (void)state;
    bool childless = waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD;
    unsigned int fds = count_fds();
    if (!childless || fds != fds_before)
        fprintf(stderr, "left behind: %s, %u descriptors instead of %u\n",
                childless ? "no child" : "a child", fds, fds_before);
    return childless && fds == fds_before ? 0 : -1;
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, before, after)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(nobody_is_there),
        EACH(every_key_is_another),
        EACH(garbage_is_turned_away),
        EACH(who_hangs_up_is_forgotten),
        EACH(who_is_silent_is_turned_away_in_time),
        EACH(an_answer_may_come_in_pieces),
        EACH(an_answer_is_good_for_once),
        EACH(what_is_no_coded_stream_has_no_end),
        EACH(a_crowd_is_let_in_bit_by_bit),
        EACH(closing_forgets_who_is_inside),
        EACH(a_descriptor_is_delivered),
        EACH(the_same_guest_is_not_delivered_twice),
        EACH(only_a_descriptor_is_delivered),
        EACH(where_nobody_waits_nothing_is_delivered),
        EACH(a_relay_has_no_privileges),
    };
    signal(SIGPIPE, SIG_IGN);
    if (!mkdtemp(directory))
        return 1;
    domm_run_directory = directory;
    int failed = cmocka_run_group_tests_name("acceptor", tests, NULL, NULL);
    rmdir(directory);
    return failed;
}
