/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What dom0 wants monitored:
 * domm/targets/UUID/{name,monitors,storage/N/{type,source,max_age,options}} in xenstore, read as
 * hostile input. Invalid entries are skipped and reported.
 */
#ifndef DOMM_AGENT_WANTED_H
#define DOMM_AGENT_WANTED_H

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
    char name[WANTED_NAME]; /* empty, or usable as a directory name */
    size_t n_monitor_vifs;
    unsigned monitor_vifs[DOMM_RECORD_MAX_ITEMS]; /* the monitor vifs that receive its packets */
    bool listed[DOMM_RECORD_MAX_ITEMS];           /* whether a storage has that number */
    struct domm_storage storage[DOMM_RECORD_MAX_ITEMS];
};

struct wanted {
    size_t n_targets;
    struct wanted_target targets[DOMM_RECORD_MAX_TARGETS];
    size_t n_refused; /* texts for the first of them */
    char refused[WANTED_REFUSALS][WANTED_REFUSAL];
};

/* A usable directory name: letters, digits and "._-", no dot at the beginning, not too long. */
bool wanted_name_fits(const char *name);

/* Parses the texts of one storage. Null options are none. Fails with DOMM_REFUSED. */
int wanted_storage_parse(const char *type, const char *source, const char *max_age,
                         const char *options, struct domm_storage *storage_r,
                         struct domm_error *err);

/* Fails with DOMM_NOT_FOUND or DOMM_NOT_PERMITTED while dom0 has not created the node. A storage
 * with a missing part is still being written: it is neither listed nor reported. */
int wanted_read(struct domm_store *store, struct wanted *wanted_r, struct domm_error *err);

#endif
