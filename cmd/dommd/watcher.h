/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A watcher is a domM of this host as dommd serves it: the targets its record allows, the channels
 * its processes have opened, and the regions they have shown. None of it is needed to know what is
 * mapped, which a scan tells; it says what may be.
 */
#ifndef DOMM_DOMMD_WATCHER_H
#define DOMM_DOMMD_WATCHER_H

#include "lib/base/bucket.h"
#include "lib/base/log.h"
#include "lib/mapping/mapping.h"
#include "lib/mapping/protocol.h"
#include "lib/pair/inventory.h"
#include "lib/xen/channel.h"
#include "lib/xen/store.h"

#define MAX_CHANNELS 8   /* of one domM */
#define MAX_REGIONS 2560 /* of one domM: 5 GiB of targets */
#define WATCHER_TOKENS_PER_SECOND 2000
#define PATH_BYTES 160
#define CONTROL_NODE "control/shutdown" /* docs/misc/xenstore-paths.pandoc of Xen */

struct region {
    struct domm_region at;
    const struct session *owner; /* null once its channel has ended */
    uint32_t domid;              /* of the target it maps; 0 while it maps none */
    uint64_t mfns[DOMM_PTES];    /* DOMM_NO_FRAME where a slot maps nothing */
};

struct session {
    struct domm_channel *channel; /* null: free */
    char name[32];
    bool greeted;
    bool ended; /* to be closed in the next turn */
    bool tell;  /* an event is owed */
};

struct target {
    struct domm_uuid uuid;
    uint32_t domid; /* 0: does not run here */
    bool translated;
    char name[DOMM_TARGET_NAME_BYTES];
    struct domm_layout layout; /* of a PV target, from its first mapping on */
};

struct watcher {
    uint32_t domid;
    struct domm_uuid uuid;
    char *name;
    bool seen; /* in the inventory that is being looked at */
    uint64_t generation;
    size_t n_targets;
    struct target targets[DOMM_RECORD_MAX_TARGETS];
    struct session sessions[MAX_CHANNELS];
    struct region **regions;
    size_t n_regions;
    struct domm_bucket bucket;
    struct domm_bucket lines; /* of the log, on what it causes */
    bool look;                /* for new channels */
    bool told;                /* its processes something that they do not wait for */
    uint64_t times_told;
    int64_t busy_ms;   /* until then it is expected to ask more */
    int64_t leaves_ms; /* since when it is being destroyed; 0: it is not */
    bool unproven;     /* something that should have been taken back may be mapped yet */
    bool minded;       /* its control node: the first event is the watch's own */
    bool mind;         /* whether it is asked to suspend */
    bool listened;     /* its agent's signs of life: the first event is the watch's own */
    int64_t heard_ms;  /* the last of them that is not noted yet; 0: none */
    int64_t hear_ms;   /* not before: domM may give as many as it likes */
    unsigned locked;   /* how often watcher_lock has succeeded */
    bool moving;       /* it did not the last time: domm moves this domM */
    bool suspended;    /* when the inventory was read last */
    bool kept;         /* its record is, for when it is restored */
    int64_t closed_ms; /* until then it is not served */
    int64_t settle_ms; /* when what nobody claims is taken back; 0: nothing to settle */
    int64_t settle_latest_ms;
    struct watcher *next;
};

struct service {
    struct domm_log log;
    struct domm_xen *xen;
    struct domm_memory *memory;
    struct domm_store *store;
    struct nl_sock *netlink;
    int locks; /* lib/base/lock.h */
    struct watcher *watchers;
    int64_t grace_ms;
    bool inventory_due;
};

int64_t now_ms(void);

/* domM's page tables are dommd's while it has the lock: not while domm moves the domM, from before
 * its suspend until it runs again. */
bool watcher_lock(const struct service *service, struct watcher *watcher);
void watcher_unlock(const struct service *service, struct watcher *watcher);

/* Logs what domM can cause as often as it likes: with its name, and no more than a line a second.
 */
void watcher_log(struct service *service, struct watcher *watcher, enum domm_log_level level,
                 const char *fmt, ...) DOMM_PRINTF(4, 5);

/* watcher.c: follows the inventory. */
int service_refresh(struct service *service, struct domm_error *err);
void watcher_free(struct service *service, struct watcher *watcher);
struct target *watcher_target(struct watcher *watcher, uint32_t domid);

/* revoke.c: takes back what may not stay; all of it, if `all`. Failure is logged, and tried again
 * by a later settling. */
void watcher_sweep(struct service *service, struct watcher *watcher, const char *why, bool all);
void watcher_settle(struct service *service, struct watcher *watcher);

/* Lets it settle after the grace, counted from now. Who is busy claiming is given more time, by
 * being called again, but not for ever. */
void watcher_unsettle(const struct service *service, struct watcher *watcher);
void target_release(struct service *service, struct target *target);

/* pair.c: makes mirrors and nodes what the records say. */
void service_follow(struct service *service, const struct domm_inventory *inventory);

/* Takes everything back from a domM that is about to be suspended. */
void watcher_mind_suspend(struct service *service, struct watcher *watcher);

/* Notes in xenstore when its agent has given a sign of life. */
void watcher_hear(struct service *service, struct watcher *watcher);

/* saved.c: takes note of whether it is suspended, and keeps the record of one that is. */
void watcher_see_suspended(struct service *service, struct watcher *watcher,
                           const struct domm_member *member);

/* Gives domMs that were restored what they watched when they were saved. */
void service_return_records(struct service *service, const struct domm_inventory *inventory);

/* endings.c: does with guests that have ended what their configurations say. */
void service_end(struct service *service, const struct domm_inventory *inventory);

/* session.c: one turn of bounded work; true if there is more to do at once. */
void watcher_look(struct service *service, struct watcher *watcher);
bool watcher_may(const struct watcher *watcher); /* be served: it has tokens, and is open */
bool watcher_turn(struct service *service, struct watcher *watcher);
void session_close(struct service *service, struct watcher *watcher, struct session *session);
void watcher_path(const struct watcher *watcher, const char *below, char path_r[PATH_BYTES]);

/* requests.c: what the request cost, in tokens. Fills the reply. */
int64_t request_serve(struct service *service, struct watcher *watcher, struct session *session,
                      const struct domm_request *request, struct domm_reply *reply_r);

/* regions.c */
struct region *region_find(struct watcher *watcher, const struct session *owner, uint64_t va);
struct region *region_by_table(const struct watcher *watcher, uint64_t l1_mfn);
/* It maps nothing. */
void region_forget(struct region *region);
int region_add(struct watcher *watcher, const struct session *owner, const struct domm_region *at);
void regions_disown(struct watcher *watcher, const struct session *owner);
void regions_drop_unowned(struct watcher *watcher);
void regions_free(struct watcher *watcher);

#endif
