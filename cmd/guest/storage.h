/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The targets' storage: which there is, where it is mounted, and who looks after it. */
#ifndef DOMM_GUEST_STORAGE_H
#define DOMM_GUEST_STORAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/guest/answer.h"
#include "cmd/guest/wanted.h"
#include "cmd/guest/worker.h"
#include "lib/base/log.h"

/* Not below the memory files: a FUSE file system has no place for the mounts of others. */
#define STORAGE_ROOT "/run/domm-storage"

#define STORAGE_MAX (DOMM_RECORD_MAX_TARGETS * DOMM_RECORD_MAX_ITEMS)

/* One storage that is mounted, or about to be; it keeps its place until its thread has ended. */
struct place {
    struct worker *worker; /* null if the place is free */
    struct domm_uuid uuid;
    unsigned number;
    struct domm_storage storage;
    char directory[WANTED_NAME]; /* the target's, below STORAGE_ROOT */
    int64_t missed_ms;           /* since when it is not listed; 0 if it is */
    bool stopping;
    uint64_t asked;
};

struct storage {
    struct domm_log *log;
    int notify; /* an eventfd: a thread has something to tell */
    bool rooted;
    struct wanted wanted;
    struct place places[STORAGE_MAX];
};

int storage_open(struct storage *storage, struct domm_log *log, struct domm_error *err);

/* Unmounts everything; waits for a server that does not answer no longer than 2 s. */
void storage_close(struct storage *storage);

/* Mounts and unmounts what `wanted` asks for. Returns after how many milliseconds it wants to be
 * called again, if nothing is told before. */
int64_t storage_step(struct storage *storage);

/* Wants all storage looked at anew, and whether that is done. */
void storage_ask(struct storage *storage);
bool storage_has_looked(struct storage *storage);

/* Adds what was found about a target's storage. */
void storage_tell(struct storage *storage, const struct wanted_target *target,
                  struct answer *answer);

#endif
