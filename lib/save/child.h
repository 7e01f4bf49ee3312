/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The processes that move one guest's memory each: savers and receivers. A child ends with its
 * parent, whatever ends that. It tells its parent how it goes over a socketpair, in messages of one
 * size; the parent tells it what it may do.
 */
#ifndef DOMM_SAVE_CHILD_H
#define DOMM_SAVE_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "lib/base/error.h"
#include "lib/xen/xen.h"

/* What a parent tells a saver. */
enum domm_command {
    DOMM_COMMAND_STOP = 1, /* end pre-copy, have the guest suspended */
    DOMM_COMMAND_FINISH,   /* send the rest of the suspended guest */
    DOMM_COMMAND_ABORT,    /* end; a guest that is suspended stays so */
};

/* What a child tells. */
enum domm_news_kind {
    DOMM_NEWS_NONE,      /* in time */
    DOMM_NEWS_ROUND,     /* a saver: after a round of pre-copy */
    DOMM_NEWS_SUSPENDED, /* a saver: the guest is, and waits for FINISH; domM's page tables are the
                            parent's until then */
    DOMM_NEWS_SENT,      /* a saver: everything; it ends */
    DOMM_NEWS_RESTORED,  /* a receiver: the guest is whole, and paused; it ends */
    DOMM_NEWS_FAILED,    /* it ends; what it was about is half done */
    DOMM_NEWS_ENDED,     /* it has, and will tell no more */
};

struct domm_news {
    enum domm_news_kind kind;
    enum domm_code code;  /* FAILED */
    uint32_t domid;       /* RESTORED */
    uint32_t rounds;      /* of pre-copy, so far */
    bool settled;         /* more rounds will not help */
    bool converged;       /* … because little is left */
    uint64_t dirty_pages; /* found by the last round */
    uint64_t bytes;       /* sent so far */
    uint64_t abandoned;   /* SENT: pages sent that the guest has given away since */
    uint64_t took_ns;     /* ROUND; SUSPENDED: the guest's suspend; SENT: since FINISH */
    uint64_t when_ns;     /* CLOCK_MONOTONIC */
    char text[512];       /* FAILED: why */
};

struct domm_child {
    pid_t pid;
    int control; /* readable when there is news */
};

/* In the child. Returns after all is told; a failure is told by domm_child_start. Of the parent's
 * descriptors it has standard error, control and DOMM_CHILD_STREAM. */
typedef int (*domm_child_run)(void *context, int control, struct domm_error *err);

#define DOMM_CHILD_CONTROL 3
#define DOMM_CHILD_STREAM 4

/*
 * Forks. xen is the parent's connection, if it has one: a child cannot use it. The stream stays the
 * parent's to close. A child lives as long as the thread that started it (PR_SET_PDEATHSIG).
 */
int domm_child_start(struct domm_xen *xen, int stream, domm_child_run run, void *context,
                     struct domm_child *child_r, struct domm_error *err);

/* What domm_child_start does in the child, for other children. Of the parent's descriptors it keeps
 * standard error and these, as DOMM_CHILD_CONTROL and those after it. */
int domm_child_enter(pid_t parent, const int *fds, int count, struct domm_error *err);

#define DOMM_CHILD_MAX_FDS 2

int domm_child_tell(const struct domm_child *child, enum domm_command command,
                    struct domm_error *err);

/* Waits at most this long for news; for ever if negative. Fails only if the system does. */
int domm_child_hear(const struct domm_child *child, int timeout_ms, struct domm_news *news_r,
                    struct domm_error *err);

/* Has it end: asks, waits this long, then kills it. Nothing of it is left. May be called again. */
void domm_child_end(struct domm_child *child, int grace_ms);

/* In the child. */
int domm_child_report(int control, struct domm_news *news, struct domm_error *err);

/* In the child: waits for a command, for ever if negative; 0 if none came in time. ABORT too if the
 * parent is gone. */
int domm_child_listen(int control, int timeout_ms);

uint64_t domm_child_now_ns(void);

#endif
