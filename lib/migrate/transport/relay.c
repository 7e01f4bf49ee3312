/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/migrate/transport/relay.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/bucket.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/base/confine.h"
#include "lib/base/poll.h"
#include "lib/base/process.h"
#include "lib/migrate/transport/coding.h"
#include "lib/stream/child.h"

#define PIECE_BYTES (1 << 16)
/* Higher rates are treated as no limit. */
#define MOST_BYTES_PER_S (UINT64_C(1) << 40)
#define BURSTS_PER_S 20
#define LOOK_MS 500 /* at the limit, while there is nothing to do but wait */

_Static_assert(DOMM_RELAY_PLAIN == DOMM_CHILD_CONTROL, "the first descriptor that a child keeps");

static _Noreturn void relay_main(pid_t parent, const int *fds, int count, domm_relay_run run,
                                 void *context)
{
    struct domm_error err = {0};
    if (domm_child_enter(parent, fds, count, &err) || run(context, &err))
        _exit(1);
    _exit(0);
}

int domm_relay_start(int far, domm_relay_run run, void *context, struct domm_relay *relay_r,
                     struct domm_error *err)
{
    int ends[2];
    pid_t parent = getpid();
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
        return domm_fail_errno(err, DOMM_FAILED, errno, "creating a socket pair");
    const int fds[] = {ends[1], far};
    pid_t pid = fork();
    if (pid == 0)
        relay_main(parent, fds, far < 0 ? 1 : 2, run, context);
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return domm_fail_errno(err, DOMM_FAILED, errno, "starting a process");
    }
    *relay_r = (struct domm_relay){.pid = pid, .plain = ends[0]};
    return 0;
}

/* The relay's end of the socket closes when the relay ends. */
static void await_end(int plain, int grace_ms)
{
    struct pollfd end = {.fd = plain, .events = 0};
    shutdown(plain, SHUT_WR);
    domm_poll_until(&end, 1, domm_now_ms() + grace_ms);
}

void domm_relay_end(struct domm_relay *relay, int grace_ms)
{
    if (relay->plain >= 0) {
        await_end(relay->plain, grace_ms);
        close(relay->plain);
    }
    domm_process_kill(relay->pid);
    *relay = (struct domm_relay){.plain = -1};
}

/* All lower descriptors are in use. */
int domm_relay_confine(struct domm_error *err)
{
    return domm_confine(DOMM_RELAY_PLAIN, false, err);
}

static int write_all(int fd, const unsigned char *bytes, size_t size, struct domm_error *err)
{
    while (size) {
        ssize_t n = write(fd, bytes, size);
        if (n < 0 && errno != EINTR)
            return domm_fail_errno(err, DOMM_FAILED, errno, "writing a stream");
        bytes += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* Waits until `from` is readable, or `to` is closed or has one of to_events. A negative `from` is
 * ignored. */
static int wait_between(int from, int to, short to_events, int timeout_ms, bool *readable_r,
                        struct domm_error *err)
{
    struct pollfd fds[] = {{.fd = from, .events = POLLIN}, {.fd = to, .events = to_events}};
    *readable_r = false;
    if (poll(fds, 2, timeout_ms) < 0)
        return errno == EINTR ? 0
                              : domm_fail_errno(err, DOMM_FAILED, errno, "waiting for a stream");
    if (fds[1].revents)
        return domm_fail(err, DOMM_FAILED, "the reader of a stream has gone");
    *readable_r = fds[0].revents != 0;
    return 0;
}

struct relay_sender {
    int far;
    struct domm_tls *tls;
    struct domm_bucket bucket;
    struct domm_relay_shared *shared;
};

/* The parent may have changed the limit. */
static void follow_limit(struct relay_sender *sender)
{
    struct domm_bucket *bucket = &sender->bucket;
    uint64_t limit = __atomic_load_n(&sender->shared->bytes_per_s, __ATOMIC_RELAXED);
    if (limit > MOST_BYTES_PER_S)
        limit = 0;
    if (limit != (uint64_t)bucket->rate)
        *bucket = (struct domm_bucket){.rate = (int64_t)limit,
                                       .burst = 1 + (int64_t)limit / BURSTS_PER_S,
                                       .at_ms = domm_now_ms()};
    else if (limit)
        domm_bucket_fill(bucket, domm_now_ms());
}

static int await_turn(struct relay_sender *sender, struct domm_error *err)
{
    struct domm_bucket *bucket = &sender->bucket;
    bool readable;
    int rc = 0;
    follow_limit(sender);
    while (!rc && bucket->rate && !domm_bucket_may(bucket)) {
        int64_t wait_ms = domm_bucket_wait(bucket);
        rc = wait_between(-1, sender->far, POLLIN, (int)(wait_ms < LOOK_MS ? wait_ms : LOOK_MS),
                          &readable, err);
        follow_limit(sender);
    }
    return rc;
}

/* The limit is behind the coder: it counts what travels. */
static int send_coded(void *context, const unsigned char *bytes, size_t size,
                      struct domm_error *err)
{
    struct relay_sender *sender = context;
    int rc = 0;
    while (!rc && size) {
        rc = await_turn(sender, err);
        if (rc)
            return rc;
        size_t most = sender->bucket.rate ? (size_t)sender->bucket.burst : size;
        size_t n = size < most ? size : most;
        /* Before: what has arrived has been counted. */
        __atomic_fetch_add(&sender->shared->wire_bytes, n, __ATOMIC_RELAXED);
        rc = sender->tls ? domm_tls_write(sender->tls, bytes, n, err)
                         : write_all(sender->far, bytes, n, err);
        domm_bucket_take(&sender->bucket, (int64_t)n);
        bytes += n;
        size -= n;
    }
    return rc;
}

static int send_piece(struct relay_sender *sender, struct domm_coder *coder, bool *end_r,
                      struct domm_error *err)
{
    unsigned char piece[PIECE_BYTES];
    ssize_t n = read(DOMM_RELAY_PLAIN, piece, sizeof(piece));
    if (n < 0)
        return errno == EINTR ? 0 : domm_fail_errno(err, DOMM_FAILED, errno, "reading a stream");
    *end_r = n == 0;
    __atomic_fetch_add(&sender->shared->bytes, (uint64_t)n, __ATOMIC_RELAXED);
    return *end_r ? domm_coder_end(coder, err) : domm_coder_feed(coder, piece, (size_t)n, err);
}

int domm_relay_send(int far, struct domm_tls *tls, struct domm_relay_shared *shared,
                    struct domm_error *err)
{
    struct relay_sender sender = {.far = far, .tls = tls, .shared = shared};
    cleanup_coder struct domm_coder *coder = NULL;
    bool end = false, readable;
    int rc = domm_coder_new(send_coded, &sender, &coder, err);
    while (!rc && !end) {
        rc = wait_between(DOMM_RELAY_PLAIN, far, POLLIN, -1, &readable, err);
        if (!rc && readable)
            rc = send_piece(&sender, coder, &end, err);
    }
    if (rc)
        return rc;
    return tls ? domm_tls_end(tls, err) : 0;
}

/* Reads the byte that was left unread (relay.h). */
static int end_in_order(struct domm_error *err)
{
    char byte;
    if (read(DOMM_RELAY_PLAIN, &byte, 1) == 1)
        return 0;
    return domm_fail(err, DOMM_FAILED, "the reader of a stream has gone");
}

static int write_decoded(void *context, const unsigned char *bytes, size_t size,
                         struct domm_error *err)
{
    (void)context;
    return write_all(DOMM_RELAY_PLAIN, bytes, size, err);
}

static int receive_piece(int far, struct domm_tls *tls, struct domm_decoder *decoder, bool *end_r,
                         struct domm_error *err)
{
    unsigned char piece[PIECE_BYTES];
    size_t got = 0;
    if (tls) {
        int rc = domm_tls_read(tls, piece, sizeof(piece), &got, err);
        if (rc)
            return rc;
    } else {
        ssize_t n = read(far, piece, sizeof(piece));
        if (n < 0)
            return errno == EINTR ? 0
                                  : domm_fail_errno(err, DOMM_FAILED, errno, "receiving a stream");
        got = (size_t)n;
    }
    *end_r = got == 0;
    return *end_r ? domm_decoder_end(decoder, err) : domm_decoder_feed(decoder, piece, got, err);
}

static int receive_all(int far, struct domm_tls *tls, struct domm_decoder *decoder,
                       struct domm_error *err)
{
    bool end = false, readable = true;
    int rc = 0;
    while (!rc && !end) {
        if (!tls || !domm_tls_pending(tls))
            rc = wait_between(far, DOMM_RELAY_PLAIN, 0, -1, &readable, err);
        if (!rc && readable)
            rc = receive_piece(far, tls, decoder, &end, err);
    }
    return rc;
}

int domm_relay_receive(int far, struct domm_tls *tls, struct domm_log *log, struct domm_error *err)
{
    cleanup_decoder struct domm_decoder *decoder = NULL;
    int rc = domm_decoder_new(write_decoded, NULL, &decoder, err);
    if (rc)
        return rc;
    rc = receive_all(far, tls, decoder, err);
    if (rc == -DOMM_REFUSED)
        domm_log(log, DOMM_LOG_ERROR, "a guest's stream: %s", err->text);
    if (rc)
        return rc;
    return end_in_order(err);
}
