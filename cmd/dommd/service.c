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
#include "lib/base/lock.h"
#include "lib/mapping/hold.h"
#include "lib/pair/nodes.h"
#include "lib/watch/netlink.h"

#define RELEASED "@releaseDomain"
#define INTRODUCED "@introduceDomain"

/* Where libxl keeps userdata (libxl__userdata_path): a record that changes is a file that does. */
#define USERDATA_DIRECTORY "/var/lib/xen"

/* The inventory is also read when nothing seems to have happened. */
#define REFRESH_MS 10000

/* How often to look whether a domM that is being moved runs again. */
#define MOVING_MS 500

#define POLL_MS 1

enum { FD_SIGNAL, FD_STORE, FD_USERDATA, FDS };

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
        if (strcmp(path, own) == 0) {
            w->mind |= w->minded;
            w->minded = true;
        }
        watcher_path(w, DOMM_NODE_ALIVE, own);
        if (strcmp(path, own) == 0) {
            w->heard_ms = w->listened ? now_ms() : 0;
            w->listened = true;
        }
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
    if (w->heard_ms && w->hear_ms <= now)
        watcher_hear(service, w);
    else if (w->heard_ms)
        rest = earlier(rest, w->hear_ms - now);
    if (watcher_turn(service, w))
        rest = 0;
    if (w->closed_ms > now)
        rest = earlier(rest, w->closed_ms - now);
    else if (w->busy_ms > now)
        rest = earlier(rest, POLL_MS);
    if (!domm_bucket_may(&w->bucket))
        rest = earlier(rest, domm_bucket_wait(&w->bucket));
    else if (w->look && watcher_may(w))
        rest = 0;
    if (w->suspended) { /* the grace begins when it runs */
        if (w->settle_ms) {
            w->settle_ms = 0;
            watcher_unsettle(service, w);
        }
        return rest;
    }
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
            service->inventory_due |= w->moving; /* it may have been stopped until now */
            w->moving = false;
            rest = turn_of(service, w, rest);
            watcher_unlock(service, w);
        } else {
            w->moving = true;
            w->mind = false;
            w->settle_ms = 0;
            watcher_unsettle(service, w);
            rest = earlier(rest, MOVING_MS);
        }
    }
    return rest > 0 ? rest : 0;
}

/* Whether no domM that may be served has sent anything; from then on it wakes dommd. */
static bool all_quiet(struct service *service)
{
    bool quiet = true;
    for (struct watcher *w = service->watchers; w; w = w->next) {
        for (size_t i = 0; i < MAX_CHANNELS && !w->moving && watcher_may(w); i++) {
            if (w->sessions[i].channel)
                quiet &= !domm_channel_sleep(w->sessions[i].channel);
        }
    }
    return quiet;
}

static int wait_for_work(struct service *service, struct pollfd *fds, int64_t rest,
                         struct domm_error *err)
{
    if (rest > POLL_MS && !all_quiet(service))
        rest = 0;
    if (poll(fds, FDS, (int)rest) < 0 && errno != EINTR)
        return domm_fail_errno(err, DOMM_FAILED, errno, "waiting for requests");
    if (fds[FD_STORE].revents)
        take_events(service);
    if (fds[FD_USERDATA].revents)
        take_userdata(service, fds[FD_USERDATA].fd);
    return 0;
}

static int loop(struct service *service, struct pollfd *fds, struct domm_error *err)
{
    int64_t refresh_ms = 0;
    int rc = 0;
    while (!rc && !fds[FD_SIGNAL].revents) {
        if (service->inventory_due || now_ms() >= refresh_ms) {
            service->inventory_due = false;
            refresh_ms = now_ms() + REFRESH_MS;
            rc = domm_holds_settle(service->memory, err);
            rc = rc ? rc : service_refresh(service, err);
        }
        if (!rc)
            rc = wait_for_work(service, fds, turn(service, refresh_ms), err);
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
    cleanup_fd int userdata_fd = open_userdata();
    if (userdata_fd < 0)
        return domm_fail_errno(err, DOMM_FAILED, errno, "watching " USERDATA_DIRECTORY);
    struct pollfd fds[FDS] = {
        [FD_SIGNAL] = {.fd = signal_fd, .events = POLLIN},
        [FD_STORE] = {.fd = domm_store_fd(service->store), .events = POLLIN},
        [FD_USERDATA] = {.fd = userdata_fd, .events = POLLIN},
    };
    int rc = domm_store_watch(service->store, RELEASED, err);
    if (!rc)
        rc = domm_store_watch(service->store, INTRODUCED, err);
    if (!rc)
        rc = loop(service, fds, err);
    if (revoke)
        revoke_all(service);
    return rc;
}
