/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <string.h>
#include <zstd.h>

#include "lib/base/cleanup.h"
#include "lib/migrate/transport/coding.h"
#include "lib/xen/hv.h"

enum decoder_part { DECODER_BEGIN, DECODER_HEAD, DECODER_BLOCK, DECODER_ENDED };

struct domm_decoder {
    domm_coding_write write;
    void *context;
    ZSTD_DCtx *zstd;
    enum decoder_part part;
    size_t need, held; /* bytes of the part */
    uint64_t at;       /* where it begins, for errors */
    struct domm_coding_head head;
    unsigned char hold[DOMM_CODING_BYTES];
    unsigned char output[DOMM_CODING_BYTES];
};

static void decoder_expect(struct domm_decoder *decoder, enum decoder_part part, size_t need)
{
    decoder->at += decoder->held;
    decoder->part = part;
    decoder->need = need;
    decoder->held = 0;
}

int domm_decoder_new(domm_coding_write write, void *context, struct domm_decoder **decoder_r,
                     struct domm_error *err)
{
    struct domm_decoder *decoder = calloc(1, sizeof(*decoder));
    if (!decoder)
        return domm_no_memory(err);
    decoder->write = write;
    decoder->context = context;
    decoder_expect(decoder, DECODER_BEGIN, DOMM_CODING_BEGIN_BYTES);
    decoder->zstd = ZSTD_createDCtx();
    if (!decoder->zstd) {
        domm_decoder_free(decoder);
        return domm_no_memory(err);
    }
    *decoder_r = decoder;
    return 0;
}

void domm_decoder_free(struct domm_decoder *decoder)
{
    if (!decoder)
        return;
    ZSTD_freeDCtx(decoder->zstd);
    free(decoder);
}

static int decoder_refuse(const struct domm_decoder *decoder, const char *why,
                          struct domm_error *err)
{
    return domm_fail(err, DOMM_REFUSED, "the coded stream at byte %" PRIu64 ": %s", decoder->at,
                     why);
}

/* One frame of today's format, and no more: a library may still read older ones. */
static bool is_one_frame(const struct domm_decoder *decoder)
{
    static const unsigned char magic[] = {0x28, 0xb5, 0x2f, 0xfd};
    size_t coded = decoder->head.coded;
    return coded >= sizeof(magic) && memcmp(decoder->hold, magic, sizeof(magic)) == 0 &&
           ZSTD_findFrameCompressedSize(decoder->hold, coded) == coded;
}

static int unpack(struct domm_decoder *decoder, struct domm_error *err)
{
    uint32_t kept = domm_coding_kept(&decoder->head);
    if (decoder->head.packing == DOMM_PACKING_STORED) {
        memcpy(decoder->output, decoder->hold, kept);
        return 0;
    }
    if (!is_one_frame(decoder))
        return decoder_refuse(decoder, "a block is not one frame of zstd", err);
    size_t size = ZSTD_decompressDCtx(decoder->zstd, decoder->output, kept, decoder->hold,
                                      decoder->head.coded);
    if (ZSTD_isError(size))
        return decoder_refuse(decoder, ZSTD_getErrorName(size), err);
    if (size != kept)
        return decoder_refuse(decoder, "a block is shorter than it says", err);
    return 0;
}

/* From the last to the first, so that none is overwritten before it has been moved. */
static void put_in_zero_pages(struct domm_decoder *decoder)
{
    const struct domm_coding_head *head = &decoder->head;
    unsigned char *from = decoder->output + domm_coding_kept(head);
    if (!head->zero_pages)
        return;
    for (size_t i = head->size / DOMM_PAGE_SIZE; i-- > 0;) {
        unsigned char *page = decoder->output + i * DOMM_PAGE_SIZE;
        if (head->zero_pages >> i & 1) {
            memset(page, 0, DOMM_PAGE_SIZE);
            continue;
        }
        from -= DOMM_PAGE_SIZE;
        if (page != from)
            memcpy(page, from, DOMM_PAGE_SIZE);
    }
}

static int on_block(struct domm_decoder *decoder, struct domm_error *err)
{
    int rc = unpack(decoder, err);
    if (rc)
        return rc;
    put_in_zero_pages(decoder);
    decoder_expect(decoder, DECODER_HEAD, DOMM_CODING_HEAD_BYTES);
    return decoder->write(decoder->context, decoder->output, decoder->head.size, err);
}

static int decoder_on_head(struct domm_decoder *decoder, struct domm_error *err)
{
    struct domm_codec c = {.decoding = true, .read = decoder->hold, .left = DOMM_CODING_HEAD_BYTES};
    domm_coding_head(&c, &decoder->head);
    if (c.wrong)
        return decoder_refuse(decoder, c.wrong, err);
    if (decoder->head.packing == DOMM_PACKING_END)
        decoder_expect(decoder, DECODER_ENDED, 0);
    else if (decoder->head.coded)
        decoder_expect(decoder, DECODER_BLOCK, decoder->head.coded);
    else
        return on_block(decoder, err);
    return 0;
}

static int decoder_on_part(struct domm_decoder *decoder, struct domm_error *err)
{
    struct domm_codec c = {
        .decoding = true, .read = decoder->hold, .left = DOMM_CODING_BEGIN_BYTES};
    switch (decoder->part) {
    case DECODER_BEGIN:
        domm_coding_begin(&c);
        if (c.wrong)
            return decoder_refuse(decoder, c.wrong, err);
        decoder_expect(decoder, DECODER_HEAD, DOMM_CODING_HEAD_BYTES);
        return 0;
    case DECODER_HEAD:
        return decoder_on_head(decoder, err);
    case DECODER_BLOCK:
        return on_block(decoder, err);
    case DECODER_ENDED:
        break;
    }
    return 0;
}

int domm_decoder_feed(struct domm_decoder *decoder, const unsigned char *bytes, size_t size,
                      struct domm_error *err)
{
    int rc = 0;
    while (!rc && size) {
        if (decoder->part == DECODER_ENDED)
            return decoder_refuse(decoder, "it goes on behind its end", err);
        size_t lacking = decoder->need - decoder->held;
        size_t taken = size < lacking ? size : lacking;
        memcpy(decoder->hold + decoder->held, bytes, taken);
        decoder->held += taken;
        bytes += taken;
        size -= taken;
        if (decoder->held == decoder->need)
            rc = decoder_on_part(decoder, err);
    }
    return rc;
}

int domm_decoder_end(const struct domm_decoder *decoder, struct domm_error *err)
{
    if (decoder->part == DECODER_ENDED)
        return 0;
    return domm_fail(err, DOMM_REFUSED,
                     "the coded stream ended at byte %" PRIu64 " without its end",
                     decoder->at + decoder->held);
}
