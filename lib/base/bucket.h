/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A token bucket. One piece of work, whose cost is bounded, may run it into debt; work continues
 * once the debt is paid. Pure.
 */
#ifndef DOMM_BASE_BUCKET_H
#define DOMM_BASE_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

struct domm_bucket {
    int64_t rate;  /* tokens a second, at least 1 */
    int64_t burst; /* its capacity */
    int64_t tokens;
    int64_t at_ms; /* time of the last filling */
};

static inline void domm_bucket_fill(struct domm_bucket *bucket, int64_t now_ms)
{
    int64_t elapsed = now_ms - bucket->at_ms;
    if (elapsed > INT64_MAX / bucket->rate)
        elapsed = INT64_MAX / bucket->rate;
    int64_t whole = elapsed * bucket->rate / 1000;
    if (whole <= 0)
        return;
    bool full = whole >= bucket->burst - bucket->tokens;
    bucket->tokens = full ? bucket->burst : bucket->tokens + whole;
    /* The remainder of the rounding counts the next time. */
    bucket->at_ms = full ? now_ms : bucket->at_ms + whole * 1000 / bucket->rate;
}

static inline bool domm_bucket_may(const struct domm_bucket *bucket)
{
    return bucket->tokens > 0;
}

static inline void domm_bucket_take(struct domm_bucket *bucket, int64_t cost)
{
    bucket->tokens -= cost;
}

/* Milliseconds until domm_bucket_may, rounded up. */
static inline int64_t domm_bucket_wait(const struct domm_bucket *bucket)
{
    return bucket->tokens > 0 ? 0 : (1 - bucket->tokens) * 1000 / bucket->rate + 1;
}

#endif
