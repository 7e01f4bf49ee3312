/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Everything that wakes dommd besides the timers of each monitor (turn.c). */
#include "cmd/dommd/loop.h"

#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>

#include "cmd/dommd/follow.h"
#include "cmd/dommd/monitor.h"
#include "cmd/dommd/reconcile.h"
#include "cmd/dommd/revoke.h"
#include "cmd/dommd/turn.h"
#include "cmd/shared/event_loop.h"
#include "lib/mapping/pause_guard.h"
#include "lib/pair/record.h"

#define RELEASED "@releaseDomain"
#define INTRODUCED "@introduceDomain"

/* Where libxl keeps userdata (libxl__userdata_path): a record that changes is a file that does. */
#define USERDATA_DIRECTORY "/var/lib/xen"

/* The inventory is also read when nothing seems to have happened. */
#define REFRESH_MS 10000

static void service_take_event(struct service *service, const char *path)
{
    if (strcmp(path, RELEASED) == 0 || strcmp(path, INTRODUCED) == 0)
        service_reconcile_soon(service);
    for (struct monitor *w = service->monitors; w; w = w->next) {
        for (enum monitor_watch watch = 0; watch < MONITOR_WATCHES; watch++) {
            char own[PATH_BYTES];
            monitor_path(w, monitor_watches[watch], own);
            if (strcmp(path, own) == 0)
                monitor_watch_event(w, watch);
        }
    }
}

static int on_store(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
    struct service *service = userdata;
    char *path;
    (void)source;
    (void)fd;
    (void)events;
    while ((path = domm_store_event(service->store))) {
        service_take_event(service, path);
        free(path);
    }
    return 0;
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
static int on_userdata(sd_event_source *source, const struct inotify_event *event, void *service)
{
    (void)source;
    if (event->mask & IN_Q_OVERFLOW || (event->len && is_record(event->name)))
        service_reconcile_soon(service);
    return 0;
}

/* Each monitor gets a turn afterwards: its targets may be others, or it may be migrated by now. */
static int on_reconcile(sd_event_source *source, uint64_t usec, void *userdata)
{
    struct service *service = userdata;
    (void)source;
    (void)usec;
    event_timer_set(service->reconcile_timer, REFRESH_MS);
    bool failed = domm_pause_guards_reclaim(service->hv, service->err) ||
                  service_reconcile(service, service->err);
    for (struct monitor *w = service->monitors; w; w = w->next)
        event_timer_set(w->turn_timer, 0);
    service->rc = failed ? -(int)service->err->code : 0;
    return failed ? sd_event_exit(service->event, 0) : 0;
}

static void revoke_all(struct service *service)
{
    for (struct monitor *w = service->monitors; w; w = w->next)
        monitor_sweep(service, w, "dommd ends and was asked to", true);
}

static int add_sources(struct service *service, struct domm_error *err)
{
    sd_event *event = service->event;
    int rc = sd_event_add_inotify(event, NULL, USERDATA_DIRECTORY,
                                  IN_CLOSE_WRITE | IN_MOVED_TO | IN_DELETE, on_userdata, service);
    if (rc < 0)
        return domm_fail_errno(err, DOMM_FAILED, -rc, "watching " USERDATA_DIRECTORY);
    rc = event_loop_add_io(event, domm_store_fd(service->store), on_store, service, NULL, err);
    if (rc)
        return rc;
    rc = event_loop_add_timer(event, on_reconcile, service, &service->reconcile_timer, err);
    if (rc)
        return rc;
    return follow_start(service, err);
}

int service_run(struct service *service, bool revoke, struct domm_error *err)
{
    int rc = add_sources(service, err);
    if (rc)
        return rc;
    rc = domm_store_watch(service->store, RELEASED, err);
    if (rc)
        return rc;
    rc = domm_store_watch(service->store, INTRODUCED, err);
    if (rc)
        return rc;
    service->err = err;
    service_reconcile_soon(service);
    rc = event_loop_run(service->event, err);
    if (revoke)
        revoke_all(service);
    return rc ? rc : service->rc;
}
