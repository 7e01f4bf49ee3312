/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The savers or receivers of one end (lib/stream/child.h), one for each guest. The loop hears their
 * progress; the worker's steps wait for them.
 */
#ifndef DOMM_MIGRATE_TRANSFERS_H
#define DOMM_MIGRATE_TRANSFERS_H

#include <poll.h>
#include <pthread.h>

#include "lib/pair/record.h"
#include "lib/stream/child.h"

#define DOMM_MAX_GUESTS (1 + DOMM_RECORD_MAX_TARGETS)

struct domm_transfer {
    struct domm_child child; /* pid 0: none */
    bool ending;             /* the worker ends it and reads its progress from now on */
    unsigned int received;   /* kinds of progress, by bits */
    struct domm_progress last[DOMM_PROGRESS_ENDED + 1];
};

struct domm_transfers {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool cancelled;
    struct domm_transfer each[DOMM_MAX_GUESTS];
};

/* Initialises the object, without children. */
void domm_transfers_begin(struct domm_transfers *transfers_r);

/* Ends all remaining children. */
void domm_transfers_finish(struct domm_transfers *transfers);

/* Takes the child over. */
void domm_transfers_add(struct domm_transfers *transfers, unsigned int guest,
                        const struct domm_child *child);

/* The descriptor to poll, or -1. */
int domm_transfers_fd(struct domm_transfers *transfers, unsigned int guest);

/* The loop: the next progress of a child, if there is any. */
bool domm_transfers_receive(struct domm_transfers *transfers, unsigned int guest,
                            struct domm_progress *progress_r);

/* Sends a command to a child. */
int domm_transfers_command(struct domm_transfers *transfers, unsigned int guest,
                           enum domm_command command, struct domm_error *err);

/* Tells all children that the migration is being taken back (DOMM_COMMAND_HUSH). */
void domm_transfers_hush(struct domm_transfers *transfers);

/* The worker: waits until the child has reported this progress. Fails with the child's reason if it
 * has failed or ended, or with DOMM_ABORTED if waiting is cancelled. */
int domm_transfers_await(struct domm_transfers *transfers, unsigned int guest,
                         enum domm_progress_kind kind, struct domm_progress *progress_r,
                         struct domm_error *err);

/* The worker: ends the child of a guest, if there is one. */
void domm_transfers_end(struct domm_transfers *transfers, unsigned int guest, int grace_ms);

/* Cancels waiting, or allows it again; other waits of a step ask as well. */
void domm_transfers_cancel(struct domm_transfers *transfers, bool cancelled);
bool domm_transfers_cancelled(struct domm_transfers *transfers);

#endif
