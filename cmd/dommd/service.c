/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One loop serves all domMs: each gets one request of each of its channels per turn, as long as its
 * tokens last, so that none waits for another's flood.
 */
#include "cmd/dommd/service.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>

#include "lib/base/cleanup.h"
#include "lib/pair/lock.h"
#include "lib/watch/netlink.h"

#define RELEASED "@releaseDomain"
#define INTRODUCED "@introduceDomain"

/* Where libxl keeps userdata (libxl__userdata_path): a record that changes is a file that does. */
#define USERDATA_DIRECTORY "/var/lib/xen"

/* The inventory is also read when nothing seems to have happened. */
#define REFRESH_MS 10000

/* How often to look whether a domM that is being moved runs again. */
#define MOVING_MS 500

#define FIXED_FDS 3
#define MAX_WATCHERS 256

int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool watcher_lock(const struct service *service, struct watcher *watcher)
{
    if (!watcher->locked && !domm_guest_lock(service->locks, DOMM_LOCK_TABLES, &watcher->uuid))
        return false;
    watcher->locked++;
    return true;
}

void watcher_unlock(const struct service *service, struct watcher *watcher)
{
    if (--watcher->locked == 0)
        domm_guest_unlock(service->locks, DOMM_LOCK_TABLES, &watcher->uuid);
}

int service_open(struct service *service, struct domm_error *err)
{
    int rc = domm_xen_open(&service->log, &service->xen, err);
    if (!rc)
        rc = domm_memory_open(&service->log, &service->memory, err);
    if (!rc)
        rc = domm_store_open(&service->store, err);
    rc = rc ? rc : domm_netlink_open(&service->netlink, err);
    return rc ? rc : domm_guest_locks_open(&service->locks, err);
}

void service_close(struct service *service)
{
    while (service->watchers) {
        struct watcher *watcher = service->watchers;
        service->watchers = watcher->next;
        watcher_free(service, watcher);
    }
    if (service->locks >= 0)
        close(service->locks);
    domm_netlink_close(service->netlink);
    domm_store_close(service->store);
    domm_memory_close(service->memory);
    domm_xen_close(service->xen);
}

static void take_event(struct service *service, const char *path)
{
    char own[PATH_BYTES];
    if (strcmp(path, RELEASED) == 0 || strcmp(path, INTRODUCED) == 0)
        service->inventory_due = true;
    for (struct watcher *w = service->watchers; w; w = w->next) {
        watcher_path(w, DOMM_CHANNELS_NODE, own);
        w->look |= strcmp(path, own) == 0;
        watcher_path(w, CONTROL_NODE, own);
        w->mind |= strcmp(path, own) == 0;
    }
}

static void take_events(struct service *service)
{
    char *path;
    while ((path = domm_store_event(service->store))) {
        take_event(service, path);
        free(path);
    }
}

/* A record's file, as libxl names it: userdata-d.<domid>.<uuid>.domm. */
static bool is_record(const char *name)
{
    const char *end = strrchr(name, '.');
    return strncmp(name, "userdata-d.", strlen("userdata-d.")) == 0 &&
           strcmp(end, "." DOMM_RECORD_USERDATA) == 0;
}

/* Only records count: reading one takes libxl's lock, whose file is made and removed in the same
 * directory, and would call for the next reading for ever. */
static void take_userdata(struct service *service, int fd)
{
    _Alignas(struct inotify_event) char events[4096];
    ssize_t n;
    while ((n = read(fd, events, sizeof(events))) > 0) {
        const struct inotify_event *event;
        for (char *at = events; at < events + n; at += sizeof(*event) + event->len) {
            event = (const struct inotify_event *)at;
            if (event->mask & IN_Q_OVERFLOW || (event->len && is_record(event->name)))
                service->inventory_due = true;
        }
    }
}

static int open_userdata(void)
{
    int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    if (fd >= 0 &&
        inotify_add_watch(fd, USERDATA_DIRECTORY, IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* Descriptors that can be served; those of a domM that is not, wait. */
static nfds_t collect(struct service *service, struct pollfd *fds, nfds_t count,
                      struct domm_channel **channels)
{
    for (struct watcher *w = service->watchers; w; w = w->next) {
        for (size_t i = 0; i < MAX_CHANNELS && watcher_may(w); i++) {
            if (!w->sessions[i].channel || count == FIXED_FDS + MAX_WATCHERS * MAX_CHANNELS)
                continue;
            channels[count] = w->sessions[i].channel;
            fds[count++] =
                (struct pollfd){.fd = domm_channel_fd(w->sessions[i].channel), .events = POLLIN};
        }
    }
    return count;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* Returns after how many ms it wants another turn, at most that many. */
static int64_t turn_of(struct service *service, struct watcher *w, int64_t rest)
{
    int64_t now = now_ms();
    if (w->mind)
        watcher_mind_suspend(service, w);
    if (watcher_turn(service, w))
        rest = 0;
    if (w->closed_ms > now)
        rest = earlier(rest, w->closed_ms - now);
    if (!domm_bucket_may(&w->bucket))
        rest = earlier(rest, domm_bucket_wait(&w->bucket));
    else if (w->look && watcher_may(w))
        rest = 0;
    if (w->settle_ms && w->settle_ms <= now)
        watcher_settle(service, w);
    return w->settle_ms ? earlier(rest, w->settle_ms - now) : rest;
}

/* One turn of all domMs; returns how long the loop may sleep. The grace of one that is being moved
 * begins when it runs again: until then its processes can claim nothing. */
static int64_t turn(struct service *service, int64_t refresh_ms)
{
    int64_t rest = refresh_ms - now_ms();
    for (struct watcher *w = service->watchers; w; w = w->next) {
        if (watcher_lock(service, w)) {
            rest = turn_of(service, w, rest);
            watcher_unlock(service, w);
        } else {
            w->mind = false;
            w->settle_ms = 0;
            watcher_unsettle(service, w);
            rest = earlier(rest, MOVING_MS);
        }
    }
    return rest > 0 ? rest : 0;
}

static int wait_for_work(struct service *service, struct pollfd *fds,
                         struct domm_channel **channels, int64_t rest, struct domm_error *err)
{
    nfds_t count = collect(service, fds, FIXED_FDS, channels);
    if (poll(fds, count, (int)rest) < 0 && errno != EINTR)
        return domm_fail_errno(err, DOMM_FAILED, errno, "waiting for requests");
    for (nfds_t i = FIXED_FDS; i < count; i++) {
        if (fds[i].revents)
            domm_channel_acknowledge(channels[i]);
    }
    if (fds[1].revents)
        take_events(service);
    if (fds[2].revents)
        take_userdata(service, fds[2].fd);
    return 0;
}

static int loop(struct service *service, struct pollfd *fds, struct domm_channel **channels,
                struct domm_error *err)
{
    int64_t refresh_ms = 0;
    int rc = 0;
    while (!rc && !fds[0].revents) {
        if (service->inventory_due || now_ms() >= refresh_ms) {
            service->inventory_due = false;
            refresh_ms = now_ms() + REFRESH_MS;
            rc = service_refresh(service, err);
        }
        if (!rc)
            rc = wait_for_work(service, fds, channels, turn(service, refresh_ms), err);
    }
    return rc;
}

static void revoke_all(struct service *service)
{
    for (struct watcher *w = service->watchers; w; w = w->next)
        watcher_sweep(service, w, "dommd ends and was asked to", true);
}

int service_run(struct service *service, int signal_fd, bool revoke, struct domm_error *err)
{
    const size_t room = FIXED_FDS + MAX_WATCHERS * MAX_CHANNELS;
    cleanup_free struct pollfd *fds = calloc(room, sizeof(*fds));
    cleanup_free struct domm_channel **channels = calloc(room, sizeof(struct domm_channel *));
    if (!fds || !channels)
        return domm_no_memory(err);
    cleanup_fd int userdata_fd = open_userdata();
    if (userdata_fd < 0)
        return domm_fail_errno(err, DOMM_FAILED, errno, "watching " USERDATA_DIRECTORY);
    fds[0] = (struct pollfd){.fd = signal_fd, .events = POLLIN};
    fds[1] = (struct pollfd){.fd = domm_store_fd(service->store), .events = POLLIN};
    fds[2] = (struct pollfd){.fd = userdata_fd, .events = POLLIN};
    int rc = domm_store_watch(service->store, RELEASED, err);
    if (!rc)
        rc = domm_store_watch(service->store, INTRODUCED, err);
    if (!rc)
        rc = loop(service, fds, channels, err);
    if (revoke)
        revoke_all(service);
    return rc;
}
