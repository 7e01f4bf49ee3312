/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A monitor of this host as dommd serves it: the targets its record allows, the channels
 * its processes have opened, and the regions they have shown. None of it is needed to know what is
 * mapped, which a scan tells; it says what may be.
 */
#ifndef DOMM_DOMMD_MONITOR_H
#define DOMM_DOMMD_MONITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cmd/dommd/monitor_state.h"
#include "cmd/dommd/service.h"
#include "lib/base/bucket.h"
#include "lib/base/log.h"
#include "lib/base/uuid.h"
#include "lib/mapping/protocol.h"
#include "lib/pair/record.h"
#include "lib/xen/channel.h"
#include "lib/xen/hv.h"

struct followed;
struct mapped_region;

#define MAX_CHANNELS 8   /* of one monitor */
#define MAX_REGIONS 2560 /* of one monitor: 5 GiB of targets */
#define MONITOR_TOKENS_PER_SECOND 2000
#define PATH_BYTES 160
#define CONTROL_NODE "control/shutdown" /* docs/misc/xenstore-paths.pandoc of Xen */

/* The nodes in the home of each monitor whose changes wake dommd. */
enum monitor_watch {
    WATCH_CHANNELS, /* channels are offered */
    WATCH_KICK,     /* a request was written while dommd slept */
    WATCH_CONTROL,  /* a toolstack asks it to suspend, or to shut down */
    WATCH_ALIVE,    /* its agent gives a sign of life */
    MONITOR_WATCHES
};
extern const char *const monitor_watches[MONITOR_WATCHES];

/* A process of the monitor that has opened a channel. */
struct client {
    struct domm_channel *channel; /* null: free */
    char name[32];
    bool greeted;
    bool ended;          /* to be closed in the next turn */
    bool notify_pending; /* an event is owed */
    bool follows;        /* it is told what changes (DOMM_FOLLOWS) */
    bool owed_pages;     /* … and has not been told the numbers of its targets' pages */
};

/* A target of its record. */
struct served_target {
    struct domm_uuid uuid;
    uint32_t domid; /* 0: does not run here */
    bool translated;
    char name[DOMM_TARGET_NAME_BYTES];
    struct domm_layout layout; /* of a PV target, from its first mapping on */
    struct followed *followed; /* from the first request about it on; followed_of */
};

struct monitor {
    struct monitor *next;
    struct service *service;
    enum monitor_state state; /* changed by monitor_enter */
    uint32_t domid;
    struct domm_uuid uuid;
    char *name;

    /* What its record allows, as of the last reconciliation. */
    bool seen; /* in the inventory that is being reconciled */
    size_t n_targets;
    struct served_target targets[DOMM_RECORD_MAX_TARGETS];
    uint64_t generation; /* grows with every change of the targets */

    /* Its processes. */
    struct client clients[MAX_CHANNELS];
    bool new_channels;   /* channels may have been offered that are not open yet */
    bool notify_pending; /* its processes are owed a wake-up for what they do not wait for */
    uint64_t times_notified;
    struct mapped_region **regions;
    size_t n_regions;
    struct domm_bucket bucket; /* tokens that its requests cost */
    struct domm_log_limit lines; /* of the log, on what it causes */
    int64_t busy_ms;           /* until then more requests are expected, and polled for */
    unsigned locked;           /* dommd's locks on its page tables, see monitor_lock */

    /* What the state does not say. */
    bool watch_fired[MONITOR_WATCHES]; /* its first event, which the watch causes by itself */
    bool suspend_pending;              /* the control node has changed: read it */
    bool record_saved;      /* its record was saved since it is suspended, for its restore */
    bool needs_rescan;      /* something that should have been taken back may be mapped yet */
    int64_t dying_since_ms; /* it is being destroyed since then; 0: it is not */
    int64_t heartbeat_ms;   /* the agent's last sign of life, if not noted in xenstore yet; or 0 */

    /* Its timers; monitor_timers_add sets what they do. */
    sd_event_source *turn_timer;      /* its next turn */
    sd_event_source *reopen_timer;    /* the end of MONITOR_SUSPENDING */
    sd_event_source *heartbeat_timer; /* before it expires no other sign of life is noted */
    sd_event_source *reclaim_timer;   /* set while something may be mapped that nobody claims */
    int64_t reclaim_latest_ms;        /* the reclaim timer is not set to a later time */
};

/* Closes its channels, forgets its regions and frees it. What it maps stays. */
void monitor_close(struct service *service, struct monitor *monitor);

/* The one place that changes its state. Logs and refuses a change that monitor_state_may_become
 * does not allow; the state it has is no change. Gives the monitor a turn. */
bool monitor_enter(struct monitor *monitor, enum monitor_state state);

/* The path of a node in its home. */
void monitor_path(const struct monitor *monitor, const char *below, char path_r[PATH_BYTES]);

/* Logs what the monitor can cause as often as it likes: with its name, and no more than a line a
 * second. */
void monitor_log(struct service *service, struct monitor *monitor, enum domm_log_level level,
                 const char *fmt, ...) DOMM_PRINTF(4, 5);

/* Its page tables are dommd's while dommd has the lock: not while domm moves the monitor, from
 * before its suspend until it runs again. The lock counts. */
bool monitor_lock(const struct service *service, struct monitor *monitor);
void monitor_unlock(const struct service *service, struct monitor *monitor);

/* The target with that domid, or null. */
struct served_target *monitor_target(struct monitor *monitor, uint32_t domid);

/* Forgets a target's domain and lets go of its frames. */
void target_release(struct service *service, struct served_target *target);

/* Has what nobody claims reclaimed after the grace period, counted from now. Each call extends it,
 * up to MAX_GRACES of them. */
void monitor_defer_reclaim(struct monitor *monitor);

#endif
