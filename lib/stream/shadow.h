/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The destination's state of a guest's ordinary pages: a digest of each page as it was last sent,
 * in 16 bytes. Copies of the pages would need as much memory in dom0 as the guest has.
 *
 * A page whose change is missed stays stale at the destination, so the guest must not be able to
 * make two pages of one digest. The digest is SipHash-2-4 with 128 bits (OpenSSL), a keyed
 * pseudo-random function, with a random key for each shadow: without the key, all pairs of pages
 * are equally unlikely to collide. tests/bench/digests.c compares its speed with others. For one
 * thread at a time.
 */
#ifndef DOMM_STREAM_SHADOW_H
#define DOMM_STREAM_SHADOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/error.h"

struct domm_shadow;

/* For the gfns 0 to count - 1. */
int domm_shadow_new(size_t count, struct domm_shadow **shadow_r, struct domm_error *err);
void domm_shadow_free(struct domm_shadow *shadow); /* null is fine */

/* Whether the page was sent, and whether it was sent with this content. Any gfn is allowed. */
bool domm_shadow_has(const struct domm_shadow *shadow, uint64_t gfn);
bool domm_shadow_is(const struct domm_shadow *shadow, uint64_t gfn, const unsigned char *page);

/* Notes a page that will be sent, and that must not change until then; false if the destination has
 * this content. */
bool domm_shadow_note(struct domm_shadow *shadow, uint64_t gfn, const unsigned char *page);

#endif
