/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/migrate/transport/data.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/poll.h"
#include "lib/base/process.h"
#include "lib/migrate/transport/connect.h"
#include "lib/migrate/transport/relay.h"

#define GRACE_MS 1000 /* for the bytes a relay still holds */

extern char **environ;

/* ssh keeps ignoring a signal that was ignored when it started. */
static int stream_spawn(char *const *argv, int in, int out, pid_t *pid_r)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    struct sigaction old[4], ignore = {.sa_handler = SIG_IGN};
    static const int signals[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP};
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    for (size_t i = 0; i < 4; i++)
        sigaction(signals[i], &ignore, &old[i]);
    int reason = posix_spawnp(pid_r, argv[0], &actions, &attributes, argv, environ);
    for (size_t i = 0; i < 4; i++)
        sigaction(signals[i], &old[i], NULL);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    return reason;
}

int domm_stream_spawn(char *const *argv, int *in_r, int *out_r, pid_t *pid_r,
                      struct domm_error *err)
{
    int in[2], out[2];
    if (pipe2(in, O_CLOEXEC))
        return domm_fail_errno(err, DOMM_FAILED, errno, "creating a pipe");
    if (pipe2(out, O_CLOEXEC)) {
        close(in[0]);
        close(in[1]);
        return domm_fail_errno(err, DOMM_FAILED, errno, "creating a pipe");
    }
    int reason = stream_spawn(argv, in[0], out[1], pid_r);
    close(in[0]);
    close(out[1]);
    if (reason) {
        close(in[1]);
        close(out[0]);
        return domm_fail_errno(err, DOMM_NOT_FOUND, reason, "starting %s", argv[0]);
    }
    *in_r = in[1];
    *out_r = out[0];
    return 0;
}

/* Until the program at the far end says that it runs. One that never does may be of an older
 * version: that is no error. */
static int await_login(const struct domm_route *route, int out, struct domm_error *err)
{
    struct pollfd word = {.fd = out, .events = POLLIN};
    char byte;
    int ready = domm_poll_until(&word, 1, domm_now_ms() + domm_connect_ms);
    if (ready > 0 && read(out, &byte, 1) != 1)
        return domm_fail(err, DOMM_FAILED, "a stream to %s: %s has ended", route->host,
                         route->ssh[0]);
    return 0;
}

static int run_ssh(const struct domm_route *route, unsigned int guest, struct domm_stream *stream_r,
                   struct domm_error *err)
{
    char *argv[DOMM_SSH_WORDS + 8], uuid[DOMM_UUID_TEXT], number[16];
    char program[] = "domm", receive[] = "receive", stream[] = "--stream", which[] = "--guest";
    size_t n = 0;
    int out;
    while (n < DOMM_SSH_WORDS && route->ssh[n]) {
        argv[n] = route->ssh[n];
        n++;
    }
    domm_uuid_format(&route->migration, uuid);
    snprintf(number, sizeof(number), "%u", guest);
    char *const command[] = {program, receive, stream, uuid, which, number, NULL};
    memcpy(argv + n, command, sizeof(command));
    int rc = domm_stream_spawn(argv, &stream_r->fd, &out, &stream_r->ssh, err);
    if (rc)
        return rc;
    if (guest >= DOMM_SSH_AT_ONCE)
        rc = await_login(route, out, err);
    close(out); /* it has no other output */
    if (rc)
        domm_stream_close(stream_r);
    return rc;
}

/* Runs in a relay. */
static int stream_code(void *context, struct domm_error *err)
{
    const struct domm_route *route = context;
    int rc = domm_relay_confine(err);
    if (rc)
        return rc;
    return domm_relay_send(DOMM_RELAY_FAR, NULL, route->shared, err);
}

/* Puts a relay before the stream. */
static int insert_relay(const struct domm_route *route, struct domm_stream *stream,
                        struct domm_error *err)
{
    struct domm_relay relay;
    struct domm_route copied = *route;
    int rc = domm_relay_start(stream->fd, stream_code, &copied, &relay, err);
    if (rc)
        return rc;
    close(stream->fd);
    stream->fd = relay.plain;
    stream->relay = relay.pid;
    return 0;
}

int domm_stream_connect(const struct domm_route *route, unsigned int guest,
                        struct domm_stream *stream_r, struct domm_error *err)
{
    *stream_r = (struct domm_stream){.fd = -1};
    if (route->data != DOMM_DATA_SSH)
        return domm_connect(route, guest, stream_r, err);
    int rc = run_ssh(route, guest, stream_r, err);
    if (rc)
        return rc;
    rc = insert_relay(route, stream_r, err);
    if (rc)
        domm_stream_close(stream_r);
    return rc;
}

void domm_stream_cut(const struct domm_stream *stream)
{
    if (stream->fd >= 0)
        shutdown(stream->fd, SHUT_RDWR);
    if (stream->relay > 0)
        kill(stream->relay, SIGKILL);
    if (stream->ssh > 0)
        kill(stream->ssh, SIGKILL);
}

void domm_stream_close(struct domm_stream *stream)
{
    if (stream->relay > 0) {
        struct domm_relay relay = {.pid = stream->relay, .plain = stream->fd};
        domm_relay_end(&relay, GRACE_MS);
    } else if (stream->fd >= 0) {
        close(stream->fd);
    }
    domm_process_kill(stream->ssh);
    *stream = (struct domm_stream){.fd = -1};
}
