/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/stream/shadow.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "lib/xen/hv.h"

/* All zero: the page was not sent, or could not be digested. It is sent then. */
struct shadow_digest {
    unsigned char bytes[16];
};

struct domm_shadow {
    size_t count;
    EVP_MAC_CTX *mac;
    unsigned char key[16];
    struct shadow_digest *digests;
};

static int begin_mac(struct domm_shadow *shadow, struct domm_error *err)
{
    EVP_MAC *siphash = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
    shadow->mac = siphash ? EVP_MAC_CTX_new(siphash) : NULL;
    EVP_MAC_free(siphash);
    if (!shadow->mac)
        return domm_fail(err, DOMM_FAILED, "OpenSSL has no SipHash");
    if (getrandom(shadow->key, sizeof(shadow->key), 0) != sizeof(shadow->key))
        return domm_fail_errno(err, DOMM_FAILED, errno, "getting random bytes");
    return 0;
}

int domm_shadow_new(size_t count, struct domm_shadow **shadow_r, struct domm_error *err)
{
    struct domm_shadow *shadow = calloc(1, sizeof(*shadow));
    if (!shadow)
        return domm_no_memory(err);
    shadow->count = count;
    shadow->digests = calloc(count ? count : 1, sizeof(*shadow->digests));
    int rc = shadow->digests ? begin_mac(shadow, err) : domm_no_memory(err);
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
    EVP_MAC_CTX_free(shadow->mac);
    free(shadow->digests);
    free(shadow);
}

/* OpenSSL's size and rounds, by default, are 128 bits, and 2 and 4. */
static struct shadow_digest digest(const struct domm_shadow *shadow, const unsigned char *page)
{
    struct shadow_digest digest;
    size_t size;
    if (EVP_MAC_init(shadow->mac, shadow->key, sizeof(shadow->key), NULL) &&
        EVP_MAC_update(shadow->mac, page, DOMM_PAGE_SIZE) &&
        EVP_MAC_final(shadow->mac, digest.bytes, &size, sizeof(digest.bytes)) &&
        size == sizeof(digest.bytes))
        return digest;
    return (struct shadow_digest){0};
}

static bool same(const struct shadow_digest *one, const struct shadow_digest *other)
{
    return memcmp(one->bytes, other->bytes, sizeof(one->bytes)) == 0;
}

bool domm_shadow_has(const struct domm_shadow *shadow, uint64_t gfn)
{
    static const struct shadow_digest none;
    return gfn < shadow->count && !same(&shadow->digests[gfn], &none);
}

bool domm_shadow_is(const struct domm_shadow *shadow, uint64_t gfn, const unsigned char *page)
{
    if (!domm_shadow_has(shadow, gfn))
        return false;
    const struct shadow_digest now = digest(shadow, page);
    return same(&shadow->digests[gfn], &now);
}

bool domm_shadow_note(struct domm_shadow *shadow, uint64_t gfn, const unsigned char *page)
{
    const struct shadow_digest now = digest(shadow, page);
    if (domm_shadow_has(shadow, gfn) && same(&shadow->digests[gfn], &now))
        return false;
    shadow->digests[gfn] = now;
    return true;
}
