/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The storage of the targets: which there is, where it is mounted, and its threads. */
#ifndef DOMM_AGENT_STORAGE_H
#define DOMM_AGENT_STORAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/agent/answer.h"
#include "cmd/agent/storage_worker.h"
#include "cmd/agent/wanted.h"
#include "lib/base/log.h"

/* Not below the memory files, since nothing can be mounted inside that FUSE file system. */
#define STORAGE_ROOT "/run/domm-storage"

#define STORAGE_MAX (DOMM_RECORD_MAX_TARGETS * DOMM_RECORD_MAX_ITEMS)

/* One storage that is mounted or being mounted. It keeps its slot until its thread has ended. */
struct storage_slot {
    struct storage_worker *worker; /* null if the place is free */
    struct domm_uuid uuid;
    unsigned number;
    struct domm_storage storage;
    char directory[WANTED_NAME]; /* the target's, below STORAGE_ROOT */
    int64_t missed_ms;           /* since when it is no longer listed; 0 if it is listed */
    bool stopping;
    uint64_t asked;
};

struct storage {
    struct domm_log *log;
    int notify; /* an eventfd that the threads write to */
    bool rooted;
    struct wanted wanted;
    struct storage_slot slots[STORAGE_MAX];
};

/* Unmounts what a killed agent has left. storage_close frees what it opens. */
int storage_open(struct storage *storage, struct domm_log *log, struct domm_error *err);

/* Unmounts everything. Waits at most 2 s for servers that do not answer. */
void storage_close(struct storage *storage);

/* Mounts and unmounts what `wanted` asks for. Returns after how many milliseconds it is to be
 * called again, if there is no news before; a negative number if only then. */
int64_t storage_step(struct storage *storage);

/* Requests a new check of all storage; the second call returns whether it is done. */
void storage_ask(struct storage *storage);
bool storage_has_looked(struct storage *storage);

/* Begins no check while the guest is about to be suspended, and whether one is yet under way.
 * Either may be called again and again; the eventfd is read. */
void storage_rest(struct storage *storage, bool rest);
bool storage_is_looking(struct storage *storage);

/* Adds what was found about a target's storage. */
void storage_report(struct storage *storage, const struct wanted_target *target,
                    struct answer *answer);

#endif
