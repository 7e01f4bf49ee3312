/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the destination has of a guest's ordinary pages: a digest of each as it was last sent. With
 * copies dom0 would need as much memory as the guest has; with these, 17 bytes for each page.
 *
 * The digest is XXH3 with 128 bits and a random seed. Two pages do not have the same by chance; who
 * knew the seed and made it so would have a stale page in domM, which is then its own doing.
 */
#ifndef DOMM_SAVE_SHADOW_H
#define DOMM_SAVE_SHADOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/base/error.h"

struct domm_shadow;

/* For gfns 0 to count - 1. */
int domm_shadow_new(size_t count, struct domm_shadow **shadow_r, struct domm_error *err);
void domm_shadow_free(struct domm_shadow *shadow); /* null is fine */

/* Whether the page was sent, and whether it was as it is now. Any gfn may be asked for. */
bool domm_shadow_has(const struct domm_shadow *shadow, uint64_t gfn);
bool domm_shadow_is(const struct domm_shadow *shadow, uint64_t gfn, const unsigned char *page);

/* Takes note of a page that is to be sent, and must not change until it is; false if the
 * destination has it as it is. */
bool domm_shadow_note(struct domm_shadow *shadow, uint64_t gfn, const unsigned char *page);

#endif
