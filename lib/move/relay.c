/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/move/relay.h"

#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/base/bucket.h"
#include "lib/move/peer.h"
#include "lib/save/child.h"

#define PIECE_BYTES (1 << 16)
#define NOBODY 65534
/* More is no limit, and less than a page a second would not be waited for by anybody. */
#define MOST_BYTES_PER_S (UINT64_C(1) << 40)
#define BURSTS_PER_S 20

_Static_assert(DOMM_RELAY_PLAIN == DOMM_CHILD_CONTROL, "the first that a child keeps");

_Noreturn static void live(pid_t parent, const int *fds, int count, domm_relay_run run,
                           void *context)
{
    struct domm_error err = {0};
    int rc = domm_child_enter(parent, fds, count, &err);
    rc = rc ? rc : run(context, &err);
    _exit(rc ? 1 : 0);
}

int domm_relay_start(int far, domm_relay_run run, void *context, struct domm_relay *relay_r,
                     struct domm_error *err)
{
    int ends[2];
    pid_t parent = getpid();
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
        return domm_fail_errno(err, DOMM_FAILED, errno, "making a socket pair");
    const int fds[] = {ends[1], far};
    pid_t pid = fork();
    if (pid == 0)
        live(parent, fds, far < 0 ? 1 : 2, run, context);
    close(ends[1]);
    if (pid < 0) {
        close(ends[0]);
        return domm_fail_errno(err, DOMM_FAILED, errno, "starting a process");
    }
    *relay_r = (struct domm_relay){.pid = pid, .plain = ends[0]};
    return 0;
}

/* Its end of the socket closes when it ends. */
static void await_end(int plain, int grace_ms)
{
    struct pollfd end = {.fd = plain, .events = 0};
    int64_t deadline = domm_peer_now_ms() + grace_ms, rest = grace_ms;
    shutdown(plain, SHUT_WR);
    while (rest > 0 && poll(&end, 1, (int)rest) < 0 && errno == EINTR)
        rest = deadline - domm_peer_now_ms();
}

void domm_relay_end(struct domm_relay *relay, int grace_ms)
{
    if (relay->plain >= 0) {
        await_end(relay->plain, grace_ms);
        close(relay->plain);
    }
    if (relay->pid > 0) {
        kill(relay->pid, SIGKILL);
        while (waitpid(relay->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    *relay = (struct domm_relay){.plain = -1};
}

/* In a user namespace without such a user root is nobody already. */
int domm_relay_confine(struct domm_error *err)
{
    const struct rlimit nothing = {0, 0};
    const struct rlimit no_more = {DOMM_RELAY_PLAIN, DOMM_RELAY_PLAIN}; /* all below are taken */
    pid_t parent = getppid();
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || setrlimit(RLIMIT_NOFILE, &no_more) ||
        setrlimit(RLIMIT_CORE, &nothing) || setrlimit(RLIMIT_NPROC, &nothing))
        return domm_fail_errno(err, DOMM_FAILED, errno, "giving up privileges");
    if (geteuid() == 0 && setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
        setresuid(NOBODY, NOBODY, NOBODY) && errno != EINVAL)
        return domm_fail_errno(err, DOMM_FAILED, errno, "giving up privileges");
    /* A change of the user takes this back. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent)
        return domm_fail(err, DOMM_FAILED, "the parent process has gone");
    return 0;
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

/* Waits until there is something from `from`, or to say of `to`: nothing but its end. A negative
 * `from` is not waited for. */
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

static int send_piece(int far, struct domm_tls *tls, struct domm_bucket *bucket, bool *end_r,
                      struct domm_error *err)
{
    unsigned char piece[PIECE_BYTES];
    size_t most = sizeof(piece);
    if (bucket->rate && (size_t)bucket->burst < most)
        most = (size_t)bucket->burst;
    ssize_t n = read(DOMM_RELAY_PLAIN, piece, most);
    if (n < 0)
        return errno == EINTR ? 0 : domm_fail_errno(err, DOMM_FAILED, errno, "reading a stream");
    *end_r = n == 0;
    domm_bucket_take(bucket, n);
    if (*end_r)
        return tls ? domm_tls_end(tls, err) : 0;
    return tls ? domm_tls_write(tls, piece, (size_t)n, err) : write_all(far, piece, (size_t)n, err);
}

int domm_relay_send(int far, struct domm_tls *tls, uint64_t bytes_per_s, struct domm_error *err)
{
    struct domm_bucket bucket = {.at_ms = domm_peer_now_ms()};
    bool end = false, readable;
    int rc = 0;
    if (bytes_per_s && bytes_per_s <= MOST_BYTES_PER_S) {
        bucket.rate = (int64_t)bytes_per_s;
        bucket.burst = 1 + bucket.rate / BURSTS_PER_S;
    }
    while (!rc && !end) {
        int rest = -1;
        if (bucket.rate) {
            domm_bucket_fill(&bucket, domm_peer_now_ms());
            rest = domm_bucket_may(&bucket) ? -1 : (int)domm_bucket_wait(&bucket);
        }
        rc = wait_between(rest < 0 ? DOMM_RELAY_PLAIN : -1, far, POLLIN, rest, &readable, err);
        if (!rc && readable)
            rc = send_piece(far, tls, &bucket, &end, err);
    }
    return rc;
}

/* The byte that waits (see relay.h). */
static int end_in_order(struct domm_error *err)
{
    char byte;
    if (read(DOMM_RELAY_PLAIN, &byte, 1) == 1)
        return 0;
    return domm_fail(err, DOMM_FAILED, "the reader of a stream has gone");
}

int domm_relay_receive(int far, struct domm_tls *tls, struct domm_error *err)
{
    unsigned char piece[PIECE_BYTES];
    size_t got = 1;
    bool readable = true;
    int rc = 0;
    while (!rc && got) {
        if (!domm_tls_pending(tls))
            rc = wait_between(far, DOMM_RELAY_PLAIN, 0, -1, &readable, err);
        if (rc || !readable)
            continue;
        rc = domm_tls_read(tls, piece, sizeof(piece), &got, err);
        if (!rc && got)
            rc = write_all(DOMM_RELAY_PLAIN, piece, got, err);
    }
    return rc ? rc : end_in_order(err);
}
