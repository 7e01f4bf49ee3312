/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What dom0 wants watched: domm/targets/UUID/{name,monitors,storage/N/{type,source,max_age}} in
 * xenstore, read as hostile input. What makes no sense is left out, and said.
 */
#ifndef DOMM_GUEST_WANTED_H
#define DOMM_GUEST_WANTED_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/base/error.h"
#include "lib/base/uuid.h"
#include "lib/pair/record.h"
#include "lib/xen/store.h"

#define WANTED_NODE "domm/targets"

#define WANTED_NAME 64 /* bytes, with the terminator */
#define WANTED_REFUSALS 8
#define WANTED_REFUSAL 192

struct wanted_target {
    struct domm_uuid uuid;
    char name[WANTED_NAME]; /* empty, or fit to be that of a directory */
    size_t n_monitors;
    unsigned monitors[DOMM_RECORD_MAX_ITEMS]; /* domM's vifs by which its packets come */
    bool listed[DOMM_RECORD_MAX_ITEMS];       /* whether there is a storage of that number */
    struct domm_storage storage[DOMM_RECORD_MAX_ITEMS];
};

struct wanted {
    size_t n_targets;
    struct wanted_target targets[DOMM_RECORD_MAX_TARGETS];
    size_t n_refused; /* the first of them are described */
    char refused[WANTED_REFUSALS][WANTED_REFUSAL];
};

/* Letters, digits and "._-", not beginning with a dot, and not too long. */
bool wanted_name_fits(const char *name);

/* The three texts of one storage. DOMM_REFUSED. */
int wanted_storage_parse(const char *type, const char *source, const char *max_age,
                         struct domm_storage *storage_r, struct domm_error *err);

/* DOMM_NOT_FOUND or DOMM_NOT_PERMITTED while dom0 has not made the node. A storage of which a part
 * is not there is being written, and neither listed nor refused. */
int wanted_read(struct domm_store *store, struct wanted *wanted_r, struct domm_error *err);

#endif
