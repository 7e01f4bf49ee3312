/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sets of small numbers, one bit each, the lowest bit of a byte first. Pure. */
#ifndef DOMM_BASE_BITS_H
#define DOMM_BASE_BITS_H

#include <stdbool.h>
#include <stdint.h>

/* The bytes that hold numbers 0 to count - 1. */
#define DOMM_BITS_BYTES(count) (((count) + 7) / 8)

static inline bool domm_bit_get(const unsigned char *bits, uint64_t n)
{
    return bits[n / 8] >> n % 8 & 1;
}

static inline void domm_bit_put(unsigned char *bits, uint64_t n, bool value)
{
    unsigned char mask = (unsigned char)(1u << n % 8);
    bits[n / 8] = (unsigned char)(value ? bits[n / 8] | mask : bits[n / 8] & ~mask);
}

#endif
