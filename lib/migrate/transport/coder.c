/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <zstd.h>

#include "lib/base/cleanup.h"
#include "lib/migrate/transport/coding.h"
#include "lib/stream/page_walk.h"
#include "lib/xen/hv.h"

#define LEVEL 1
#define WORTH_PACKING 256u /* bytes */
#define OUTPUT_BYTES (DOMM_CODING_HEAD_BYTES + ZSTD_COMPRESSBOUND(DOMM_CODING_BYTES))

struct domm_coder {
    domm_coding_write write;
    void *context;
    struct domm_page_walk walk;
    ZSTD_CCtx *zstd;
    bool begun;
    bool pages; /* what is held are pages */
    size_t held;
    unsigned char hold[DOMM_CODING_BYTES];
    unsigned char output[OUTPUT_BYTES];
};

int domm_coder_new(domm_coding_write write, void *context, struct domm_coder **coder_r,
                   struct domm_error *err)
{
    struct domm_coder *coder = calloc(1, sizeof(*coder));
    if (!coder)
        return domm_no_memory(err);
    coder->write = write;
    coder->context = context;
    coder->zstd = ZSTD_createCCtx();
    if (!coder->zstd ||
        ZSTD_isError(ZSTD_CCtx_setParameter(coder->zstd, ZSTD_c_compressionLevel, LEVEL))) {
        domm_coder_free(coder);
        return domm_no_memory(err);
    }
    *coder_r = coder;
    return 0;
}

void domm_coder_free(struct domm_coder *coder)
{
    if (!coder)
        return;
    ZSTD_freeCCtx(coder->zstd);
    free(coder);
}

static bool coder_is_zero(const unsigned char *page)
{
    uint64_t first;
    memcpy(&first, page, sizeof(first));
    return !first && memcmp(page, page + sizeof(first), DOMM_PAGE_SIZE - sizeof(first)) == 0;
}

/* Moves the pages that are not zero together. */
static uint64_t leave_out_zero_pages(unsigned char *bytes, size_t size)
{
    uint64_t zero = 0;
    unsigned char *to = bytes;
    for (size_t i = 0; i < size / DOMM_PAGE_SIZE; i++) {
        const unsigned char *page = bytes + i * DOMM_PAGE_SIZE;
        if (coder_is_zero(page)) {
            zero |= UINT64_C(1) << i;
            continue;
        }
        if (to != page)
            memcpy(to, page, DOMM_PAGE_SIZE);
        to += DOMM_PAGE_SIZE;
    }
    return zero;
}

static void pack(struct domm_coder *coder, struct domm_coding_head *head)
{
    unsigned char *output = coder->output + DOMM_CODING_HEAD_BYTES;
    uint32_t kept = domm_coding_kept(head);
    if (kept >= WORTH_PACKING) {
        size_t packed = ZSTD_compress2(coder->zstd, output, OUTPUT_BYTES - DOMM_CODING_HEAD_BYTES,
                                       coder->hold, kept);
        if (!ZSTD_isError(packed) && packed < kept) {
            head->packing = DOMM_PACKING_ZSTD;
            head->coded = (uint32_t)packed;
            return;
        }
    }
    head->packing = DOMM_PACKING_STORED;
    head->coded = kept;
    memcpy(output, coder->hold, kept);
}

static int write_block(struct domm_coder *coder, struct domm_coding_head *head,
                       struct domm_error *err)
{
    struct domm_codec c = {.write = coder->output, .left = DOMM_CODING_HEAD_BYTES};
    domm_coding_head(&c, head);
    if (c.wrong)
        return domm_fail(err, DOMM_FAILED, "coding a stream: %s", c.wrong);
    return coder->write(coder->context, coder->output, DOMM_CODING_HEAD_BYTES + head->coded, err);
}

static int coder_flush(struct domm_coder *coder, struct domm_error *err)
{
    if (!coder->held)
        return 0;
    struct domm_coding_head head = {.size = (uint32_t)coder->held};
    if (coder->pages)
        head.zero_pages = leave_out_zero_pages(coder->hold, coder->held);
    pack(coder, &head);
    coder->held = 0;
    return write_block(coder, &head, err);
}

static int hold(struct domm_coder *coder, const unsigned char *bytes, size_t size, bool pages,
                struct domm_error *err)
{
    int rc = pages == coder->pages ? 0 : coder_flush(coder, err);
    coder->pages = pages;
    while (!rc && size) {
        size_t room = sizeof(coder->hold) - coder->held;
        size_t taken = size < room ? size : room;
        memcpy(coder->hold + coder->held, bytes, taken);
        coder->held += taken;
        bytes += taken;
        size -= taken;
        if (coder->held == sizeof(coder->hold))
            rc = coder_flush(coder, err);
    }
    return rc;
}

static int coder_begin(struct domm_coder *coder, struct domm_error *err)
{
    struct domm_codec c = {.write = coder->output, .left = DOMM_CODING_BEGIN_BYTES};
    if (coder->begun)
        return 0;
    coder->begun = true;
    domm_coding_begin(&c);
    return coder->write(coder->context, coder->output, DOMM_CODING_BEGIN_BYTES, err);
}

int domm_coder_feed(struct domm_coder *coder, const unsigned char *bytes, size_t size,
                    struct domm_error *err)
{
    int rc = coder_begin(coder, err);
    while (!rc && size) {
        bool pages;
        size_t taken = domm_page_walk_next(&coder->walk, bytes, size, &pages);
        rc = hold(coder, bytes, taken, pages, err);
        bytes += taken;
        size -= taken;
    }
    if (rc || domm_page_walk_at_page(&coder->walk))
        return rc;
    return coder_flush(coder, err);
}

int domm_coder_end(struct domm_coder *coder, struct domm_error *err)
{
    struct domm_coding_head end = {.packing = DOMM_PACKING_END};
    int rc = coder_begin(coder, err);
    if (rc)
        return rc;
    if (coder->held % DOMM_PAGE_SIZE) /* the stream ended within a page */
        coder->pages = false;
    rc = coder_flush(coder, err);
    if (rc)
        return rc;
    return write_block(coder, &end, err);
}
