/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/migrate/transport/coding.h"

#include "lib/xen/hv.h"

#define MAGIC UINT64_C(0x444f4d50) /* "DOMP" */

_Static_assert(DOMM_CODING_BYTES == DOMM_CODING_PAGES * DOMM_PAGE_SIZE, "whole pages");

void domm_coding_begin(struct domm_codec *c)
{
    uint16_t version = DOMM_CODING_VERSION, zero = 0;
    domm_codec_must(c, domm_codec_number(c, 4, MAGIC) == MAGIC, "it does not begin as one of domm");
    domm_codec_u16(c, &version);
    domm_codec_u16(c, &zero);
    domm_codec_must(c, version == DOMM_CODING_VERSION && zero == 0, "it is of another version");
}

uint32_t domm_coding_kept(const struct domm_coding_head *head)
{
    return head->size - (uint32_t)__builtin_popcountll(head->zero_pages) * DOMM_PAGE_SIZE;
}

static bool is_end(const struct domm_coding_head *head)
{
    return !head->size && !head->coded && !head->zero_pages;
}

static bool zero_pages_fit(const struct domm_coding_head *head)
{
    uint32_t pages = head->size / DOMM_PAGE_SIZE;
    if (!head->zero_pages)
        return true;
    return head->size % DOMM_PAGE_SIZE == 0 &&
           (pages == DOMM_CODING_PAGES || head->zero_pages >> pages == 0);
}

void domm_coding_head(struct domm_codec *c, struct domm_coding_head *head)
{
    head->packing = (enum domm_packing)domm_codec_choice(c, head->packing, DOMM_PACKINGS);
    domm_codec_u32(c, &head->size);
    domm_codec_u32(c, &head->coded);
    domm_codec_u64(c, &head->zero_pages);
    if (head->packing == DOMM_PACKING_END) {
        domm_codec_must(c, is_end(head), "its end has a size");
        return;
    }
    domm_codec_must(c, head->size && head->size <= DOMM_CODING_BYTES,
                    "a block's size is out of bounds");
    if (c->wrong) /* the sizes below are of a block */
        return;
    domm_codec_must(c, zero_pages_fit(head), "a block's zero pages are out of bounds");
    if (c->wrong)
        return;
    uint32_t kept = domm_coding_kept(head);
    bool stored = head->packing == DOMM_PACKING_STORED;
    domm_codec_must(c, stored ? head->coded == kept : head->coded && head->coded < kept,
                    "a block's coded size is out of bounds");
}
