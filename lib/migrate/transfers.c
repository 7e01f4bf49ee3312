/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/migrate/transfers.h"

#include <string.h>

#define GRACE_MS 5000

void domm_transfers_begin(struct domm_transfers *transfers_r)
{
    memset(transfers_r, 0, sizeof(*transfers_r));
    pthread_mutex_init(&transfers_r->lock, NULL);
    pthread_cond_init(&transfers_r->changed, NULL);
}

void domm_transfers_finish(struct domm_transfers *transfers)
{
    for (unsigned int guest = 0; guest < DOMM_MAX_GUESTS; guest++)
        domm_transfers_end(transfers, guest, GRACE_MS);
    pthread_cond_destroy(&transfers->changed);
    pthread_mutex_destroy(&transfers->lock);
}

void domm_transfers_add(struct domm_transfers *transfers, unsigned int guest,
                        const struct domm_child *child)
{
    pthread_mutex_lock(&transfers->lock);
    transfers->each[guest] = (struct domm_transfer){.child = *child};
    pthread_mutex_unlock(&transfers->lock);
}

static bool is_received(const struct domm_transfer *transfer)
{
    return transfer->child.pid > 0 && !transfer->ending &&
           !(transfer->received >> DOMM_PROGRESS_ENDED & 1);
}

int domm_transfers_fd(struct domm_transfers *transfers, unsigned int guest)
{
    pthread_mutex_lock(&transfers->lock);
    const struct domm_transfer *transfer = &transfers->each[guest];
    int fd = is_received(transfer) ? transfer->child.control : -1;
    pthread_mutex_unlock(&transfers->lock);
    return fd;
}

bool domm_transfers_receive(struct domm_transfers *transfers, unsigned int guest,
                            struct domm_progress *progress_r)
{
    struct domm_error ignored;
    struct domm_transfer *transfer = &transfers->each[guest];
    *progress_r = (struct domm_progress){.kind = DOMM_PROGRESS_NONE};
    pthread_mutex_lock(&transfers->lock);
    if (is_received(transfer) && domm_child_receive(&transfer->child, 0, progress_r, &ignored))
        progress_r->kind = DOMM_PROGRESS_ENDED;
    if (progress_r->kind != DOMM_PROGRESS_NONE) {
        transfer->received |= 1u << progress_r->kind;
        transfer->last[progress_r->kind] = *progress_r;
        pthread_cond_broadcast(&transfers->changed);
    }
    pthread_mutex_unlock(&transfers->lock);
    return progress_r->kind != DOMM_PROGRESS_NONE;
}

int domm_transfers_command(struct domm_transfers *transfers, unsigned int guest,
                           enum domm_command command, struct domm_error *err)
{
    pthread_mutex_lock(&transfers->lock);
    const struct domm_child *child = &transfers->each[guest].child;
    int rc = child->pid > 0 ? domm_child_command(child, command, err)
                            : domm_fail(err, DOMM_FAILED, "it has no saver or receiver");
    pthread_mutex_unlock(&transfers->lock);
    return rc;
}

void domm_transfers_hush(struct domm_transfers *transfers)
{
    struct domm_error ignored;
    pthread_mutex_lock(&transfers->lock);
    for (unsigned int guest = 0; guest < DOMM_MAX_GUESTS; guest++) {
        const struct domm_transfer *transfer = &transfers->each[guest];
        if (transfer->child.pid > 0 && !transfer->ending)
            domm_child_command(&transfer->child, DOMM_COMMAND_HUSH, &ignored);
    }
    pthread_mutex_unlock(&transfers->lock);
}

static int why(const struct domm_transfer *transfer, struct domm_error *err)
{
    if (transfer->received >> DOMM_PROGRESS_FAILED & 1) {
        const struct domm_progress *progress = &transfer->last[DOMM_PROGRESS_FAILED];
        return domm_fail(err, progress->code ? progress->code : DOMM_FAILED, "%s", progress->text);
    }
    return domm_fail(err, DOMM_FAILED, "its saver or receiver has died");
}

int domm_transfers_await(struct domm_transfers *transfers, unsigned int guest,
                         enum domm_progress_kind kind, struct domm_progress *progress_r,
                         struct domm_error *err)
{
    const unsigned int over = 1u << DOMM_PROGRESS_FAILED | 1u << DOMM_PROGRESS_ENDED;
    struct domm_transfer *transfer = &transfers->each[guest];
    int rc = 0;
    pthread_mutex_lock(&transfers->lock);
    while (!(transfer->received & (over | 1u << kind)) && !transfers->cancelled)
        pthread_cond_wait(&transfers->changed, &transfers->lock);
    if (transfer->received >> kind & 1)
        *progress_r = transfer->last[kind];
    else if (transfer->received & over)
        rc = why(transfer, err);
    else
        rc = domm_fail(err, DOMM_ABORTED, "the migration was given up");
    pthread_mutex_unlock(&transfers->lock);
    return rc;
}

void domm_transfers_end(struct domm_transfers *transfers, unsigned int guest, int grace_ms)
{
    pthread_mutex_lock(&transfers->lock);
    struct domm_transfer *transfer = &transfers->each[guest];
    struct domm_child child = transfer->child;
    transfer->ending = true;
    pthread_mutex_unlock(&transfers->lock);
    domm_child_end(&child, grace_ms);
    pthread_mutex_lock(&transfers->lock);
    transfer->child = (struct domm_child){.control = -1};
    pthread_mutex_unlock(&transfers->lock);
}

void domm_transfers_cancel(struct domm_transfers *transfers, bool cancelled)
{
    pthread_mutex_lock(&transfers->lock);
    transfers->cancelled = cancelled;
    pthread_cond_broadcast(&transfers->changed);
    pthread_mutex_unlock(&transfers->lock);
}

bool domm_transfers_cancelled(struct domm_transfers *transfers)
{
    pthread_mutex_lock(&transfers->lock);
    bool cancelled = transfers->cancelled;
    pthread_mutex_unlock(&transfers->lock);
    return cancelled;
}
