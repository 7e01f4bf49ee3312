/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The savers or receivers of one end (lib/save/child.h), one for each guest. The loop hears their
 * news; the worker's steps wait for them.
 */
#ifndef DOMM_MOVE_MOVERS_H
#define DOMM_MOVE_MOVERS_H

#include <poll.h>
#include <pthread.h>

#include "lib/pair/record.h"
#include "lib/save/child.h"

#define DOMM_MOVERS (1 + DOMM_RECORD_MAX_TARGETS)

struct domm_mover {
    struct domm_child child; /* pid 0: none */
    bool ending;             /* the worker ends it, and hears it from now on */
    unsigned int heard;      /* kinds of news, by bits */
    struct domm_news last[DOMM_NEWS_ENDED + 1];
};

struct domm_movers {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool cancelled;
    struct domm_mover each[DOMM_MOVERS];
};

void domm_movers_begin(struct domm_movers *movers_r);

/* Ends all that are left. */
void domm_movers_finish(struct domm_movers *movers);

/* Takes the child over. */
void domm_movers_add(struct domm_movers *movers, unsigned int guest,
                     const struct domm_child *child);

/* The descriptor to poll, or -1. */
int domm_movers_fd(struct domm_movers *movers, unsigned int guest);

/* The loop: the next news of one, if there is any. */
bool domm_movers_hear(struct domm_movers *movers, unsigned int guest, struct domm_news *news_r);

int domm_movers_tell(struct domm_movers *movers, unsigned int guest, enum domm_command command,
                     struct domm_error *err);

/* The worker: waits until it has told this. Fails if it has failed or ended, with its reason, or,
 * with DOMM_ABORTED, if waiting is cancelled. */
int domm_movers_await(struct domm_movers *movers, unsigned int guest, enum domm_news_kind kind,
                      struct domm_news *news_r, struct domm_error *err);

/* The worker: ends one, if there is one. */
void domm_movers_end(struct domm_movers *movers, unsigned int guest, int grace_ms);

/* Whether what waits is to give up; for other waits of a step as well. */
void domm_movers_cancel(struct domm_movers *movers, bool cancelled);
bool domm_movers_cancelled(struct domm_movers *movers);

#endif
