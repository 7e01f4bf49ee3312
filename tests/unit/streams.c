/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/streams.h"

#include "tests/unit/unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_S 30

static struct domm_log test_log;

const struct domm_uuid migration = {{0xd0, 0x33, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

static void note(struct destination *destination, int rc, unsigned int guest, int fd,
                 const struct domm_error *err)
{
    pthread_mutex_lock(&destination->lock);
    if (rc) {
        destination->refusals++;
        destination->err = *err;
    } else if (fd >= 0) {
        destination->fds[guest] = fd;
    }
    pthread_cond_broadcast(&destination->changed);
    pthread_mutex_unlock(&destination->lock);
}

/* A child gets the locks of a sanitizer's allocator as they are when its parent forks (glibc looks
 * after its own). If the destination's thread held one then, the child would wait for it for ever.
 * So a fork waits until the thread does nothing. */
static pthread_mutex_t at_work = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP; /* the thread forks, too */

static void before_fork(void)
{
    pthread_mutex_lock(&at_work);
}

static void after_fork(void)
{
    pthread_mutex_unlock(&at_work);
}

static void in_child(void)
{
    at_work = (pthread_mutex_t)PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
}

static void wait_for_forks(void)
{
    static bool done;
    if (!done)
        assert_int_equal(pthread_atfork(before_fork, after_fork, in_child), 0);
    done = true;
}

static void take_stream(struct destination *destination)
{
    struct domm_error err = {0};
    unsigned int guest = 0;
    int fd = -1;
    pthread_mutex_lock(&at_work);
    int rc = domm_acceptor_take(destination->acceptor, &guest, &fd, &err);
    note(destination, rc, guest, fd, &err);
    pthread_mutex_unlock(&at_work);
}

static void *serve(void *context)
{
    struct destination *destination = context;
    struct pollfd fds[] = {{.fd = domm_acceptor_fd(destination->acceptor), .events = POLLIN},
                           {.fd = destination->stop[0], .events = POLLIN}};
    sem_post(&destination->serves);
    while (!fds[1].revents) {
        poll(fds, 2, 1000);
        take_stream(destination);
    }
    return NULL;
}

void destination_open(struct destination *destination_r, enum domm_data data)
{
    struct domm_error err = {0};
    memset(destination_r, 0, sizeof(*destination_r));
    for (unsigned int i = 0; i < DOMM_ACCEPTOR_GUESTS; i++)
        destination_r->fds[i] = -1;
    pthread_mutex_init(&destination_r->lock, NULL);
    pthread_cond_init(&destination_r->changed, NULL);
    domm_log_init(&test_log, stderr, "test");
    if (domm_acceptor_open(&test_log, data, &migration, &destination_r->acceptor,
                           &destination_r->streams, &err))
        fail_msg("%s", err.text);
    assert_int_equal(pipe2(destination_r->stop, O_CLOEXEC), 0);
    wait_for_forks();
    sem_init(&destination_r->serves, 0, 0);
    assert_int_equal(pthread_create(&destination_r->thread, NULL, serve, destination_r), 0);
    assert_int_equal(sem_wait(&destination_r->serves), 0); /* it allocates before */
}

void destination_close(struct destination *destination)
{
    close(destination->stop[1]);
    pthread_join(destination->thread, NULL);
    sem_destroy(&destination->serves);
    close(destination->stop[0]);
    for (unsigned int i = 0; i < DOMM_ACCEPTOR_GUESTS; i++) {
        if (destination->fds[i] >= 0)
            close(destination->fds[i]);
    }
    domm_acceptor_close(destination->acceptor);
    pthread_cond_destroy(&destination->changed);
    pthread_mutex_destroy(&destination->lock);
}

static bool wait_change(struct destination *destination)
{
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += PATIENCE_S;
    return pthread_cond_timedwait(&destination->changed, &destination->lock, &end) == 0;
}

int destination_await(struct destination *destination, unsigned int guest)
{
    bool in_time = true;
    pthread_mutex_lock(&destination->lock);
    while (destination->fds[guest] < 0 && in_time)
        in_time = wait_change(destination);
    int fd = destination->fds[guest];
    pthread_mutex_unlock(&destination->lock);
    if (fd < 0)
        fail_msg("guest %u has not come: %s", guest, destination->err.text);
    return fd;
}

struct domm_error destination_refusal(struct destination *destination, unsigned int which)
{
    bool in_time = true;
    pthread_mutex_lock(&destination->lock);
    while (destination->refusals < which && in_time)
        in_time = wait_change(destination);
    struct domm_error err = destination->err;
    pthread_mutex_unlock(&destination->lock);
    if (!in_time)
        fail_msg("no connection was rejected");
    return err;
}

unsigned int count_fds(void)
{
    unsigned int count = 0;
    DIR *directory = opendir("/proc/self/fd");
    while (directory && readdir(directory))
        count++;
    closedir(directory);
    return count;
}

/* Nothing that can be coded with fewer bytes. */
static unsigned char pattern(size_t at)
{
    uint64_t mixed = at * UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ mixed >> 32) * UINT64_C(0xd6e8feb86659fd93);
    return (unsigned char)(mixed >> 56);
}

/* As many of the bytes as go in or come out at once. */
static size_t put(int to, size_t at, size_t size)
{
    unsigned char piece[50000];
    size_t n = size - at < sizeof(piece) ? size - at : sizeof(piece);
    for (size_t i = 0; i < n; i++)
        piece[i] = pattern(at + i);
    ssize_t written = write(to, piece, n);
    if (written < 0 && errno != EAGAIN)
        fail_msg("after %zu bytes: %s", at, strerror(errno));
    return written > 0 ? (size_t)written : 0;
}

static size_t get(int from, size_t at)
{
    unsigned char piece[50000];
    ssize_t n = read(from, piece, sizeof(piece));
    if (n <= 0)
        fail_msg("after %zu bytes: %s", at, n ? strerror(errno) : "the end");
    for (ssize_t i = 0; i < n; i++) {
        if (piece[i] != pattern(at + (size_t)i))
            fail_msg("byte %zu is wrong", at + (size_t)i);
    }
    return (size_t)n;
}

void pass(int to, int from, size_t size)
{
    size_t sent = 0, got = 0;
    int flags = fcntl(to, F_GETFL);
    fcntl(to, F_SETFL, flags | O_NONBLOCK);
    while (got < size) {
        struct pollfd fds[] = {{.fd = sent < size ? to : -1, .events = POLLOUT},
                               {.fd = from, .events = POLLIN}};
        if (poll(fds, 2, PATIENCE_S * 1000) <= 0)
            fail_msg("nothing moves after %zu bytes", got);
        if (fds[0].revents)
            sent += put(to, sent, size);
        if (fds[1].revents)
            got += get(from, got);
    }
    assert_int_equal(got, size);
    fcntl(to, F_SETFL, flags);
}

int read_to_end(int fd)
{
    char piece[4096];
    ssize_t n;
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    do {
        if (poll(&poll_fd, 1, PATIENCE_S * 1000) != 1)
            return ETIMEDOUT;
        n = read(fd, piece, sizeof(piece));
    } while (n > 0);
    return n ? errno : 0;
}
