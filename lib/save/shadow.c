/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/save/shadow.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "lib/xen/memory.h"

struct domm_shadow {
    size_t count;
    unsigned char *pages;
    bool *sent;
};

int domm_shadow_new(size_t count, struct domm_shadow **shadow_r, struct domm_error *err)
{
    struct domm_shadow *shadow = calloc(1, sizeof(*shadow));
    if (!shadow)
        return domm_no_memory(err);
    shadow->count = count;
    shadow->sent = calloc(count ? count : 1, sizeof(*shadow->sent));
    void *pages = mmap(NULL, (count ? count : 1) * DOMM_PAGE_SIZE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    shadow->pages = pages == MAP_FAILED ? NULL : pages;
    if (!shadow->sent || !shadow->pages) {
        domm_shadow_free(shadow);
        return domm_no_memory(err);
    }
    *shadow_r = shadow;
    return 0;
}

void domm_shadow_free(struct domm_shadow *shadow)
{
    if (!shadow)
        return;
    if (shadow->pages)
        munmap(shadow->pages, (shadow->count ? shadow->count : 1) * DOMM_PAGE_SIZE);
    free(shadow->sent);
    free(shadow);
}

const unsigned char *domm_shadow_page(const struct domm_shadow *shadow, uint64_t gfn)
{
    if (gfn >= shadow->count || !shadow->sent[gfn])
        return NULL;
    return shadow->pages + gfn * DOMM_PAGE_SIZE;
}

const unsigned char *domm_shadow_store(struct domm_shadow *shadow, uint64_t gfn,
                                       const unsigned char *page)
{
    shadow->sent[gfn] = true;
    return memcpy(shadow->pages + gfn * DOMM_PAGE_SIZE, page, DOMM_PAGE_SIZE);
}
