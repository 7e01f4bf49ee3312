/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The pages of a target, as dommd counts them: a proof that the monitor sees all of its memory, or
 * how much it does not see. dommd publishes them in domm/pages/<uuid> of the monitor's home in
 * xenstore, at most once a second; the monitor can read them.
 */
#ifndef DOMM_PAIR_PAGES_H
#define DOMM_PAIR_PAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/base/error.h"
#include "lib/base/uuid.h"
#include "lib/xen/store.h"

#define DOMM_NODE_PAGES "domm/pages"

struct domm_pages {
    uint64_t owned;                /* by Xen's count */
    uint64_t seen;                 /* mapped by the monitor, each counted once */
    uint64_t hidden;               /* owned and not seen, for more than a moment */
    uint64_t gone, came, replaced; /* changes of what is mapped, since dommd follows the target */
};

/* Six numbers, in the order of their declaration. Pure. */
#define DOMM_PAGES_TEXT 128 /* bytes, with the terminator */
void domm_pages_format(const struct domm_pages *pages, char text_r[DOMM_PAGES_TEXT]);

/* False, and zeroes, for any other text. Pure. */
bool domm_pages_parse(const char *text, struct domm_pages *pages_r);

/* dom0: publishes a text of domm_pages_format. */
int domm_pages_write(struct domm_store *store, uint32_t monitor, const struct domm_uuid *target,
                     const char *text, struct domm_error *err);

/* False if dommd has published nothing: it does not follow the target (yet). */
bool domm_pages_read(struct domm_store *store, uint32_t monitor, const struct domm_uuid *target,
                     struct domm_pages *pages_r);

#endif
