/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/save/shadow.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <xxhash.h>

#include "lib/xen/memory.h"

struct domm_shadow {
    size_t count;
    uint64_t seed;
    XXH128_hash_t *digests;
    bool *sent;
};

int domm_shadow_new(size_t count, struct domm_shadow **shadow_r, struct domm_error *err)
{
    struct domm_shadow *shadow = calloc(1, sizeof(*shadow));
    if (!shadow)
        return domm_no_memory(err);
    shadow->count = count;
    shadow->digests = calloc(count ? count : 1, sizeof(*shadow->digests));
    shadow->sent = calloc(count ? count : 1, sizeof(*shadow->sent));
    int rc = shadow->digests && shadow->sent ? 0 : domm_no_memory(err);
    if (!rc && getrandom(&shadow->seed, sizeof(shadow->seed), 0) != sizeof(shadow->seed))
        rc = domm_fail_errno(err, DOMM_FAILED, errno, "asking for random bytes");
    if (rc)
        domm_shadow_free(shadow);
    else
        *shadow_r = shadow;
    return rc;
}

void domm_shadow_free(struct domm_shadow *shadow)
{
    if (!shadow)
        return;
    free(shadow->digests);
    free(shadow->sent);
    free(shadow);
}

static XXH128_hash_t digest(const struct domm_shadow *shadow, const unsigned char *page)
{
    return XXH3_128bits_withSeed(page, DOMM_PAGE_SIZE, shadow->seed);
}

bool domm_shadow_has(const struct domm_shadow *shadow, uint64_t gfn)
{
    return gfn < shadow->count && shadow->sent[gfn];
}

bool domm_shadow_is(const struct domm_shadow *shadow, uint64_t gfn, const unsigned char *page)
{
    return domm_shadow_has(shadow, gfn) &&
           XXH128_isEqual(shadow->digests[gfn], digest(shadow, page));
}

bool domm_shadow_note(struct domm_shadow *shadow, uint64_t gfn, const unsigned char *page)
{
    const XXH128_hash_t now = digest(shadow, page);
    if (domm_shadow_has(shadow, gfn) && XXH128_isEqual(shadow->digests[gfn], now))
        return false;
    shadow->digests[gfn] = now;
    shadow->sent[gfn] = true;
    return true;
}
