/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the destination has of a guest's ordinary pages: the pages as they were last sent. */
#ifndef DOMM_SAVE_SHADOW_H
#define DOMM_SAVE_SHADOW_H

#include <stddef.h>
#include <stdint.h>

#include "lib/base/error.h"

struct domm_shadow;

/* For gfns 0 to count - 1; takes memory as pages are stored. */
int domm_shadow_new(size_t count, struct domm_shadow **shadow_r, struct domm_error *err);
void domm_shadow_free(struct domm_shadow *shadow); /* null is fine */

/* The page as it was sent, or null. Any gfn may be asked for. */
const unsigned char *domm_shadow_page(const struct domm_shadow *shadow, uint64_t gfn);

/* Copies the page, which may change at any moment, and returns the copy. */
const unsigned char *domm_shadow_store(struct domm_shadow *shadow, uint64_t gfn,
                                       const unsigned char *page);

#endif
