/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Page-table entries of a 64-bit PV guest, whose tables hold mfns. Pure. */
#ifndef DOMM_MAPPING_PTE_H
#define DOMM_MAPPING_PTE_H

#include <stdbool.h>
#include <stdint.h>

#define DOMM_PTES 512u /* in one table */
#define DOMM_REGION_SLOTS                                                                          \
    511 /* slots of a region: all except slot 0, which maps the nonce page                         \
         */
#define DOMM_REGION_BYTES (UINT64_C(1) << 21)

#define DOMM_PTE_PRESENT UINT64_C(0x001)
#define DOMM_PTE_WRITABLE UINT64_C(0x002)
#define DOMM_PTE_USER UINT64_C(0x004)
#define DOMM_PTE_LARGE UINT64_C(0x080)
#define DOMM_PTE_FRAME_BITS UINT64_C(0x000ffffffffff000)

/*
 * Flags of a mapping of a target's frame: no-execute, Linux's "special" (0x200: leave this page
 * alone), global (0x100: Xen sets it in every user entry), accessed, user, present. Not writable.
 */
#define DOMM_PTE_MAPPING UINT64_C(0x8000000000000325)

static inline uint64_t domm_pte_frame(uint64_t pte)
{
    return (pte & DOMM_PTE_FRAME_BITS) >> 12;
}

static inline uint64_t domm_pte_flags(uint64_t pte)
{
    return pte & ~DOMM_PTE_FRAME_BITS;
}

static inline uint64_t domm_pte_mapping(uint64_t frame)
{
    return (frame << 12 & DOMM_PTE_FRAME_BITS) | DOMM_PTE_MAPPING;
}

/* The slot in a table of this level (1 to 4) that translates va. */
static inline unsigned int domm_pte_index(uint64_t va, unsigned int level)
{
    return (unsigned int)(va >> (12 + 9 * (level - 1))) & (DOMM_PTES - 1);
}

/* Whether a process of a 64-bit PV guest can own the bytes from va: the lower canonical half,
 * without page 0. */
static inline bool domm_va_is_user(uint64_t va, uint64_t bytes)
{
    const uint64_t end = UINT64_C(1) << 47;
    return va >= 4096 && va < end && bytes <= end - va;
}

#endif
