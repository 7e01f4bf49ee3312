/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A token bucket: what one domM may cost. It may run into debt by one piece of work, whose cost is
 * bounded, and is served again once the debt is paid. Pure.
 */
#ifndef DOMM_DOMMD_BUCKET_H
#define DOMM_DOMMD_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

struct bucket {
    int64_t rate;  /* tokens a second, at least 1 */
    int64_t burst; /* the most it holds */
    int64_t tokens;
    int64_t at_ms; /* when it was filled last */
};

static inline void bucket_fill(struct bucket *bucket, int64_t now_ms)
{
    int64_t whole = (now_ms - bucket->at_ms) * bucket->rate / 1000;
    if (whole <= 0)
        return;
    bool full = whole >= bucket->burst - bucket->tokens;
    bucket->tokens = full ? bucket->burst : bucket->tokens + whole;
    /* What the rounding left counts the next time. */
    bucket->at_ms = full ? now_ms : bucket->at_ms + whole * 1000 / bucket->rate;
}

static inline bool bucket_may(const struct bucket *bucket)
{
    return bucket->tokens > 0;
}

static inline void bucket_take(struct bucket *bucket, int64_t cost)
{
    bucket->tokens -= cost;
}

/* Milliseconds until bucket_may, rounded up. */
static inline int64_t bucket_wait(const struct bucket *bucket)
{
    return bucket->tokens > 0 ? 0 : (1 - bucket->tokens) * 1000 / bucket->rate + 1;
}

#endif
