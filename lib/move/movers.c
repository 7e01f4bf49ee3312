/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/move/movers.h"

#include <string.h>

#define GRACE_MS 5000

void domm_movers_begin(struct domm_movers *movers_r)
{
    memset(movers_r, 0, sizeof(*movers_r));
    pthread_mutex_init(&movers_r->lock, NULL);
    pthread_cond_init(&movers_r->changed, NULL);
}

void domm_movers_finish(struct domm_movers *movers)
{
    for (unsigned int guest = 0; guest < DOMM_MOVERS; guest++)
        domm_movers_end(movers, guest, GRACE_MS);
    pthread_cond_destroy(&movers->changed);
    pthread_mutex_destroy(&movers->lock);
}

void domm_movers_add(struct domm_movers *movers, unsigned int guest, const struct domm_child *child)
{
    pthread_mutex_lock(&movers->lock);
    movers->each[guest] = (struct domm_mover){.child = *child};
    pthread_mutex_unlock(&movers->lock);
}

static bool is_heard(const struct domm_mover *mover)
{
    return mover->child.pid > 0 && !mover->ending && !(mover->heard >> DOMM_NEWS_ENDED & 1);
}

int domm_movers_fd(struct domm_movers *movers, unsigned int guest)
{
    pthread_mutex_lock(&movers->lock);
    const struct domm_mover *mover = &movers->each[guest];
    int fd = is_heard(mover) ? mover->child.control : -1;
    pthread_mutex_unlock(&movers->lock);
    return fd;
}

bool domm_movers_hear(struct domm_movers *movers, unsigned int guest, struct domm_news *news_r)
{
    struct domm_error ignored;
    struct domm_mover *mover = &movers->each[guest];
    *news_r = (struct domm_news){.kind = DOMM_NEWS_NONE};
    pthread_mutex_lock(&movers->lock);
    if (is_heard(mover) && domm_child_hear(&mover->child, 0, news_r, &ignored))
        news_r->kind = DOMM_NEWS_ENDED;
    if (news_r->kind != DOMM_NEWS_NONE) {
        mover->heard |= 1u << news_r->kind;
        mover->last[news_r->kind] = *news_r;
        pthread_cond_broadcast(&movers->changed);
    }
    pthread_mutex_unlock(&movers->lock);
    return news_r->kind != DOMM_NEWS_NONE;
}

int domm_movers_tell(struct domm_movers *movers, unsigned int guest, enum domm_command command,
                     struct domm_error *err)
{
    pthread_mutex_lock(&movers->lock);
    const struct domm_child *child = &movers->each[guest].child;
    int rc = child->pid > 0 ? domm_child_tell(child, command, err)
                            : domm_fail(err, DOMM_FAILED, "nobody moves it");
    pthread_mutex_unlock(&movers->lock);
    return rc;
}

static int why(const struct domm_mover *mover, struct domm_error *err)
{
    if (mover->heard >> DOMM_NEWS_FAILED & 1) {
        const struct domm_news *news = &mover->last[DOMM_NEWS_FAILED];
        return domm_fail(err, news->code ? news->code : DOMM_FAILED, "%s", news->text);
    }
    return domm_fail(err, DOMM_FAILED, "the process that moves it has died");
}

int domm_movers_await(struct domm_movers *movers, unsigned int guest, enum domm_news_kind kind,
                      struct domm_news *news_r, struct domm_error *err)
{
    const unsigned int over = 1u << DOMM_NEWS_FAILED | 1u << DOMM_NEWS_ENDED;
    struct domm_mover *mover = &movers->each[guest];
    int rc = 0;
    pthread_mutex_lock(&movers->lock);
    while (!(mover->heard & (over | 1u << kind)) && !movers->cancelled)
        pthread_cond_wait(&movers->changed, &movers->lock);
    if (mover->heard >> kind & 1)
        *news_r = mover->last[kind];
    else if (mover->heard & over)
        rc = why(mover, err);
    else
        rc = domm_fail(err, DOMM_ABORTED, "given up");
    pthread_mutex_unlock(&movers->lock);
    return rc;
}

void domm_movers_end(struct domm_movers *movers, unsigned int guest, int grace_ms)
{
    pthread_mutex_lock(&movers->lock);
    struct domm_mover *mover = &movers->each[guest];
    struct domm_child child = mover->child;
    mover->ending = true;
    pthread_mutex_unlock(&movers->lock);
    domm_child_end(&child, grace_ms);
    pthread_mutex_lock(&movers->lock);
    mover->child = (struct domm_child){.control = -1};
    pthread_mutex_unlock(&movers->lock);
}

void domm_movers_cancel(struct domm_movers *movers, bool cancelled)
{
    pthread_mutex_lock(&movers->lock);
    movers->cancelled = cancelled;
    pthread_cond_broadcast(&movers->changed);
    pthread_mutex_unlock(&movers->lock);
}

bool domm_movers_cancelled(struct domm_movers *movers)
{
    pthread_mutex_lock(&movers->lock);
    bool cancelled = movers->cancelled;
    pthread_mutex_unlock(&movers->lock);
    return cancelled;
}
