/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Guests' streams from one end to the other, over loopback. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/base/paths.h"
#include "lib/migrate/protocol/control_link.h"
#include "lib/migrate/transport/connect.h"
#include "tests/unit/streams.h"

static char directory[] = "/tmp/domm-data-XXXXXX";
static unsigned int fds_before;
static struct domm_relay_shared *shared;

static const enum domm_data by_port[] = {DOMM_DATA_TCP, DOMM_DATA_TLS};

/* In place of ssh: this program, which `domm receive --stream` would be at the other end. */
static char self[] = "/proc/self/exe";
static char *const ssh[] = {self, directory, NULL};

static struct domm_route route_to(const struct destination *destination, enum domm_data data,
                                  uint64_t bytes_per_s)
{
    *shared = (struct domm_relay_shared){.bytes_per_s = bytes_per_s};
    return (struct domm_route){.data = data,
                               .host = "localhost",
                               .ssh = ssh,
                               .migration = migration,
                               .streams = destination->streams,
                               .shared = shared};
}

static struct domm_stream stream_to(struct destination *destination, enum domm_data data,
                                    unsigned int guest, uint64_t bytes_per_s)
{
    struct domm_error err = {0};
    struct domm_stream stream;
    const struct domm_route route = route_to(destination, data, bytes_per_s);
    if (domm_stream_connect(&route, guest, &stream, &err))
        fail_msg("%s", err.text);
    return stream;
}

static void guests_streams_arrive(enum domm_data data, uint64_t bytes_per_s)
{
    static const unsigned int guests[] = {0, 7, DOMM_ACCEPTOR_GUESTS - 1};
    struct destination destination;
    struct domm_stream streams[COUNT(guests)];
    destination_open(&destination, data);
    for (size_t i = 0; i < COUNT(guests); i++)
        streams[i] = stream_to(&destination, data, guests[i], bytes_per_s);
    for (size_t i = 0; i < COUNT(guests); i++)
        pass(streams[i].fd, destination_await(&destination, guests[i]), 1000000 + i);
    for (size_t i = 0; i < COUNT(guests); i++) {
        domm_stream_close(&streams[i]);
        assert_int_equal(streams[i].fd, -1);
        assert_int_equal(read_to_end(destination_await(&destination, guests[i])), 0);
    }
    assert_int_equal(destination.refusals, 0);
    destination_close(&destination);
}

static void streams_arrive_by_tcp(void **state)
{
    (void)state;
    guests_streams_arrive(DOMM_DATA_TCP, 0);
}

static void streams_arrive_by_tls(void **state)
{
    (void)state;
    guests_streams_arrive(DOMM_DATA_TLS, 0);
}

static void streams_arrive_by_ssh(void **state)
{
    (void)state;
    guests_streams_arrive(DOMM_DATA_SSH, 0);
}

/* sshd would refuse some of many that log in at the same time. */
static void only_a_few_log_in_at_once(void **state)
{
    (void)state;
    struct destination destination;
    struct domm_stream early, late;
    struct domm_error err;
    destination_open(&destination, DOMM_DATA_SSH);
    setenv("LATE_MS", "400", 1);
    int64_t start = domm_now_ms();
    early = stream_to(&destination, DOMM_DATA_SSH, DOMM_SSH_AT_ONCE - 1, 0);
    assert_true(domm_now_ms() - start < 400);
    start = domm_now_ms();
    late = stream_to(&destination, DOMM_DATA_SSH, DOMM_SSH_AT_ONCE, 0);
    assert_true(domm_now_ms() - start >= 400);
    pass(late.fd, destination_await(&destination, DOMM_SSH_AT_ONCE), 1000);
    domm_stream_close(&early);
    domm_stream_close(&late);
    /* One that is refused is noticed. */
    setenv("LATE_MS", "", 1);
    const struct domm_route route = route_to(&destination, DOMM_DATA_SSH, 0);
    assert_int_equal(domm_stream_connect(&route, DOMM_SSH_AT_ONCE + 1, &late, &err), -DOMM_FAILED);
    assert_int_equal(late.fd, -1);
    unsetenv("LATE_MS");
    destination_close(&destination);
}

static void streams_arrive_through_a_relay(void **state)
{
    (void)state;
    for (int data = 0; data < DOMM_DATA_KINDS; data++)
        guests_streams_arrive((enum domm_data)data, UINT64_C(1) << 30);
}

/* As the source does: its saver alone has the stream. */
static void a_stream_ends_with_its_writer(void **state)
{
    (void)state;
    for (int data = 0; data < DOMM_DATA_KINDS; data++) {
        struct destination destination;
        destination_open(&destination, (enum domm_data)data);
        struct domm_stream stream = stream_to(&destination, (enum domm_data)data, 1, 0);
        pid_t writer = fork();
        if (writer == 0)
            _exit(write(stream.fd, "whole", 5) == 5 ? 0 : 1);
        close(stream.fd);
        stream.fd = -1;
        assert_int_equal(waitpid(writer, NULL, 0), writer);
        assert_int_equal(read_to_end(destination_await(&destination, 1)), 0);
        domm_stream_close(&stream);
        destination_close(&destination);
    }
}

static void a_limit_is_kept(void **state)
{
    (void)state;
    const size_t bytes = 500000;
    for (int data = 0; data < DOMM_DATA_KINDS; data++) {
        struct destination destination;
        destination_open(&destination, (enum domm_data)data);
        struct domm_stream stream = stream_to(&destination, (enum domm_data)data, 0, 1000000);
        int64_t start = domm_now_ms();
        pass(stream.fd, destination_await(&destination, 0), bytes);
        assert_in_range(domm_now_ms() - start, 350, 20000);
        domm_stream_close(&stream);
        destination_close(&destination);
    }
}

/* At the first limit it would take more than an hour. */
static void a_limit_can_be_changed_meanwhile(void **state)
{
    (void)state;
    for (int data = 0; data < DOMM_DATA_KINDS; data++) {
        struct destination destination;
        destination_open(&destination, (enum domm_data)data);
        struct domm_stream stream = stream_to(&destination, (enum domm_data)data, 0, 100);
        int fd = destination_await(&destination, 0);
        int64_t start = domm_now_ms();
        pid_t parent = getpid(), changer = fork();
        if (changer == 0) {
            poll(NULL, 0, 300);
            __atomic_store_n(&shared->bytes_per_s, 0, __ATOMIC_RELAXED);
            _exit(getppid() == parent ? 0 : 1);
        }
        pass(stream.fd, fd, 500000);
        assert_in_range(domm_now_ms() - start, 250, 20000);
        assert_int_equal(waitpid(changer, NULL, 0), changer);
        domm_stream_close(&stream);
        destination_close(&destination);
    }
}

/* SIGUSR1 asks a migration how far it is; pkill(1) may send it to all processes of that name. */
static void who_is_asked_for_the_status_goes_on(void **state)
{
    (void)state;
    for (int data = 0; data < DOMM_DATA_KINDS; data++) {
        struct destination destination;
        destination_open(&destination, (enum domm_data)data);
        struct domm_stream stream = stream_to(&destination, (enum domm_data)data, 0, 0);
        int fd = destination_await(&destination, 0);
        pass(stream.fd, fd, 1000);
        assert_int_equal(kill(stream.relay, SIGUSR1), 0);
        pass(stream.fd, fd, 1000);
        domm_stream_close(&stream);
        destination_close(&destination);
    }
}

static void what_travels_is_counted(void **state)
{
    (void)state;
    static const unsigned char zeroes[1000000];
    unsigned char got[50000];
    for (int data = 0; data < DOMM_DATA_KINDS; data++) {
        struct destination destination;
        destination_open(&destination, (enum domm_data)data);
        struct domm_stream stream = stream_to(&destination, (enum domm_data)data, 0, 0);
        int fd = destination_await(&destination, 0);
        pass(stream.fd, fd, 100000);
        assert_int_equal(shared->bytes, 100000);
        assert_in_range(shared->wire_bytes, 100000, 110000);
        pid_t writer = fork();
        if (writer == 0)
            _exit(write(stream.fd, zeroes, sizeof(zeroes)) == sizeof(zeroes) ? 0 : 1);
        for (size_t left = sizeof(zeroes); left;) {
            ssize_t n = read(fd, got, sizeof(got));
            assert_in_range(n, 1, left);
            assert_memory_equal(got, zeroes, (size_t)n);
            left -= (size_t)n;
        }
        assert_int_equal(waitpid(writer, NULL, 0), writer);
        assert_int_equal(shared->bytes, 1100000);
        assert_in_range(shared->wire_bytes, 100000, 120000);
        domm_stream_close(&stream);
        destination_close(&destination);
    }
}

static void who_has_another_key_is_turned_away(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(by_port); i++) {
        struct destination destination;
        struct domm_error err = {0};
        struct domm_stream stream;
        destination_open(&destination, by_port[i]);
        struct domm_route route = route_to(&destination, by_port[i], 0);
        route.streams.key[31] ^= 1;
        assert_true(domm_stream_connect(&route, 0, &stream, &err) < 0);
        assert_contains(err.text, "localhost, TCP port ");
        assert_int_equal(stream.fd, -1);
        err = destination_refusal(&destination, 1);
        assert_int_equal(err.code, DOMM_REFUSED);
        assert_contains(err.text, "does not know the key");
        /* Who has it is not kept away by that. */
        stream = stream_to(&destination, by_port[i], 0, 0);
        pass(stream.fd, destination_await(&destination, 0), 1000);
        domm_stream_close(&stream);
        destination_close(&destination);
    }
}

static void only_guests_that_are_expected_come(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(by_port); i++) {
        struct destination destination;
        struct domm_error err = {0};
        struct domm_stream stream, other;
        destination_open(&destination, by_port[i]);
        const struct domm_route route = route_to(&destination, by_port[i], 0);
        assert_int_equal(domm_stream_connect(&route, DOMM_ACCEPTOR_GUESTS, &other, &err),
                         -DOMM_REFUSED);
        assert_contains(err.text, "it rejects the stream");
        assert_contains(destination_refusal(&destination, 1).text, "there is no guest 33");
        stream = stream_to(&destination, by_port[i], 3, 0);
        assert_int_equal(domm_stream_connect(&route, 3, &other, &err), -DOMM_REFUSED);
        assert_contains(destination_refusal(&destination, 2).text,
                        "of guest 3 is connected already");
        pass(stream.fd, destination_await(&destination, 3), 1000);
        domm_stream_close(&stream);
        destination_close(&destination);
    }
}

/* An end that the source has not announced is an error. */
static void a_relays_death_is_no_end(void **state)
{
    (void)state;
    for (int i = 0; i < 2 * DOMM_DATA_KINDS; i++) {
        struct destination destination;
        enum domm_data data = (enum domm_data)(i / 2);
        destination_open(&destination, data);
        struct domm_stream stream = stream_to(&destination, data, 0, 0);
        int fd = destination_await(&destination, 0);
        pass(stream.fd, fd, 100000);
        kill(i % 2 ? stream.relay : destination.acceptor->guests[0].relay, SIGKILL);
        assert_int_equal(read_to_end(fd), ECONNRESET);
        domm_stream_close(&stream);
        destination_close(&destination);
    }
}

/* A process that connects and waits to be killed. Its own child keeps the stream open. */
_Noreturn static void be_source(struct destination *destination, int ready)
{
    struct domm_error err;
    struct domm_stream stream;
    const struct domm_route route = route_to(destination, DOMM_DATA_TLS, 0);
    if (domm_stream_connect(&route, 0, &stream, &err) || write(stream.fd, "some", 4) != 4)
        _exit(1);
    pid_t saver = fork();
    if (saver > 0 && write(ready, &saver, sizeof(saver)) != sizeof(saver))
        _exit(1);
    for (;;)
        pause();
}

static void a_relay_dies_with_the_source(void **state)
{
    (void)state;
    struct destination destination;
    pid_t saver = 0;
    int ready[2];
    destination_open(&destination, DOMM_DATA_TLS);
    assert_int_equal(pipe(ready), 0);
    pid_t source = fork();
    if (source == 0)
        be_source(&destination, ready[1]);
    close(ready[1]);
    assert_int_equal(read(ready[0], &saver, sizeof(saver)), sizeof(saver));
    close(ready[0]);
    int fd = destination_await(&destination, 0);
    kill(source, SIGKILL);
    assert_int_equal(waitpid(source, NULL, 0), source);
    int end = read_to_end(fd);
    kill(saver, SIGKILL);
    assert_int_equal(end, ECONNRESET);
    destination_close(&destination);
}

static bool can_write(int fd)
{
    static const char zeroes[10000];
    struct timespec moment = {.tv_nsec = 10000000};
    for (int i = 0; i < 3000; i++) {
        if (write(fd, zeroes, sizeof(zeroes)) < 0)
            return false;
        nanosleep(&moment, NULL);
    }
    return true;
}

static void a_writer_fails_when_its_reader_has_gone(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * COUNT(by_port); i++) {
        struct destination destination;
        destination_open(&destination, by_port[i % 2]);
        struct domm_stream stream = stream_to(&destination, by_port[i % 2], 0, i < 2 ? 0 : 1 << 30);
        int fd = destination_await(&destination, 0);
        pass(stream.fd, fd, 1000);
        destination.fds[0] = -1;
        close(fd);
        assert_false(can_write(stream.fd));
        domm_stream_close(&stream);
        destination_close(&destination);
    }
}

static void closing_does_not_wait_for_a_reader(void **state)
{
    (void)state;
    for (int data = 0; data < DOMM_DATA_KINDS; data++) {
        struct destination destination;
        static const char zeroes[100000];
        destination_open(&destination, (enum domm_data)data);
        struct domm_stream stream = stream_to(&destination, (enum domm_data)data, 0, 1 << 30);
        fcntl(stream.fd, F_SETFL, O_NONBLOCK);
        while (write(stream.fd, zeroes, sizeof(zeroes)) > 0)
            ;
        int64_t start = domm_now_ms();
        domm_stream_close(&stream);
        assert_in_range(domm_now_ms() - start, 0, 10000);
        destination_close(&destination);
    }
}

/* A port that nobody listens at, or somebody who says nothing. */
static int deaf_port(bool listening, uint16_t *port_r)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
    if (listening)
        assert_int_equal(listen(fd, 1), 0);
    *port_r = ntohs(address.sin_port);
    return fd;
}

static void what_fails_is_told(void **state)
{
    (void)state;
    static char long_name[300];
    struct domm_stream stream;
    memset(long_name, 'x', sizeof(long_name) - 1);
    for (size_t i = 0; i < COUNT(by_port); i++) {
        struct domm_error err = {0};
        struct domm_route route = {.data = by_port[i], .host = "admin@127.0.0.1"};
        assert_int_equal(domm_stream_connect(&route, 0, &stream, &err), -DOMM_REFUSED);
        assert_contains(err.text, "has not sent its port");
        int fd = deaf_port(false, &route.streams.port);
        assert_int_equal(domm_stream_connect(&route, 0, &stream, &err), -DOMM_FAILED);
        assert_contains(err.text, "connecting to 127.0.0.1, TCP port ");
        assert_contains(err.text, "Connection refused");
        assert_contains(err.hint, "--data ssh");
        close(fd);
        route.host = long_name;
        assert_int_equal(domm_stream_connect(&route, 0, &stream, &err), -DOMM_NOT_FOUND);
        assert_contains(err.text, "finding the address of xxx");
        assert_contains(err.hint, "--data ssh");
    }
}

static void who_says_nothing_is_not_waited_for(void **state)
{
    (void)state;
    struct domm_stream stream;
    domm_connect_ms = 1000;
    for (size_t i = 0; i < COUNT(by_port); i++) {
        struct domm_error err = {0};
        struct domm_route route = {.data = by_port[i], .host = "127.0.0.1"};
        int fd = deaf_port(true, &route.streams.port);
        assert_int_equal(domm_stream_connect(&route, 0, &stream, &err), -DOMM_FAILED);
        assert_contains(err.text, "does not answer within 1 seconds");
        assert_contains(err.hint, "--data ssh");
        assert_int_equal(stream.fd, -1);
        close(fd);
    }
    domm_connect_ms = 10000;
}

static void something_else_than_domm_is_noticed(void **state)
{
    (void)state;
    static const char banner[64] = "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3";
    for (size_t i = 0; i < COUNT(by_port); i++) {
        struct domm_error err = {0};
        struct domm_stream stream;
        struct domm_route route = {.data = by_port[i], .host = "127.0.0.1"};
        int fd = deaf_port(true, &route.streams.port);
        pid_t other = fork();
        if (other == 0) {
            int connection = accept(fd, NULL, NULL);
            _exit(write(connection, banner, sizeof(banner)) == sizeof(banner) ? 0 : 1);
        }
        assert_true(domm_stream_connect(&route, 0, &stream, &err) < 0);
        assert_contains(err.text, "127.0.0.1, TCP port ");
        assert_int_equal(waitpid(other, NULL, 0), other);
        close(fd);
    }
}

/* Somebody on the way, who has no key but a certificate. */
_Noreturn static void be_stranger(int listener)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
    X509_set_pubkey(certificate, key);
    X509_sign(certificate, key, EVP_sha256());
    if (SSL_CTX_use_certificate(context, certificate) != 1 ||
        SSL_CTX_use_PrivateKey(context, key) != 1)
        _exit(2);
    SSL *ssl = SSL_new(context);
    SSL_set_fd(ssl, accept(listener, NULL, NULL));
    /* It has got so far as to show it, and is told what is thought of it. */
    bool refused = SSL_accept(ssl) != 1 && SSL_get_error(ssl, -1) == SSL_ERROR_SSL &&
                   ERR_GET_REASON(ERR_get_error()) == SSL_R_TLSV1_ALERT_UNKNOWN_CA;
    _exit(refused ? 0 : 1);
}

static void a_certificate_is_not_believed(void **state)
{
    (void)state;
    int status = -1;
    struct domm_error err = {0};
    struct domm_stream stream;
    struct domm_route route = {.data = DOMM_DATA_TLS, .host = "127.0.0.1"};
    int fd = deaf_port(true, &route.streams.port);
    pid_t stranger = fork();
    if (stranger == 0)
        be_stranger(fd);
    assert_int_equal(domm_stream_connect(&route, 0, &stream, &err), -DOMM_FAILED);
    assert_contains(err.text, "agreeing on TLS: certificate verify failed");
    assert_int_equal(waitpid(stranger, &status, 0), stranger);
    assert_int_equal(status, 0);
    close(fd);
}

static int before(void **state)
{
    (void)state;
    fds_before = count_fds();
    return 0;
}

/* Neither descriptors nor processes are left. */
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

/* What `domm receive --stream UUID --guest N` does. */
static int deliver(char **words)
{
    struct domm_error err;
    struct domm_uuid uuid;
    domm_run_directory = words[1];
    if (strcmp(words[2], "domm") != 0 || strcmp(words[3], "receive") != 0 ||
        strcmp(words[4], "--stream") != 0 || !domm_uuid_parse(words[5], &uuid) ||
        strcmp(words[6], "--guest") != 0)
        return 2;
    unsigned int guest = (unsigned int)atoi(words[7]);
    const char *late_ms = getenv("LATE_MS"); /* how long it takes to log in; empty: it may not */
    if (late_ms && !*late_ms)
        return 1;
    usleep(late_ms ? (useconds_t)atoi(late_ms) * 1000 : 0);
    if (guest >= DOMM_SSH_AT_ONCE && write(STDOUT_FILENO, "", 1) != 1)
        return 1;
    return domm_acceptor_deliver(&uuid, guest, STDIN_FILENO, &err) ? 1 : 0;
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, before, after)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        EACH(streams_arrive_by_tcp),
        EACH(streams_arrive_by_tls),
        EACH(streams_arrive_by_ssh),
        EACH(only_a_few_log_in_at_once),
        EACH(streams_arrive_through_a_relay),
        EACH(a_stream_ends_with_its_writer),
        EACH(a_limit_is_kept),
        EACH(a_limit_can_be_changed_meanwhile),
        EACH(who_is_asked_for_the_status_goes_on),
        EACH(what_travels_is_counted),
        EACH(who_has_another_key_is_turned_away),
        EACH(only_guests_that_are_expected_come),
        EACH(a_relays_death_is_no_end),
        EACH(a_relay_dies_with_the_source),
        EACH(a_writer_fails_when_its_reader_has_gone),
        EACH(closing_does_not_wait_for_a_reader),
        EACH(what_fails_is_told),
        EACH(who_says_nothing_is_not_waited_for),
        EACH(something_else_than_domm_is_noticed),
        EACH(a_certificate_is_not_believed),
    };
    if (argc == 8)
        return deliver(argv);
    signal(SIGPIPE, SIG_IGN);
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (!mkdtemp(directory))
        return 1;
    domm_run_directory = directory;
    int failed = cmocka_run_group_tests_name("data", tests, NULL, NULL);
    rmdir(directory);
    return failed;
}
