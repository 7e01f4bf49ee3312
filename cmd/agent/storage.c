/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/agent/storage.h"
#include "lib/base/clock.h"
#include "lib/base/sleep.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* dom0 writes its nodes one by one, so a storage that is missing for a moment is not unmounted. */
#define GRACE_MS 2000
#define RETRY_MS 1000
#define CLOSE_MS 2000

/* Unmounts it and everything below it at once. */
static void *detach_root(void *done)
{
    while (umount2(STORAGE_ROOT, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
        ;
    eventfd_write(*(int *)done, 1);
    return NULL;
}

/* In a thread, since unmounting may have to ask the server. The thread may outlive this call, which
 * is acceptable: it is used only when the agent starts and ends. */
static void unmount_all(void)
{
    static int done = -1;
    pthread_t thread;
    eventfd_t value;
    if (done < 0)
        done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (done < 0 || pthread_create(&thread, NULL, detach_root, &done))
        return;
    pthread_detach(thread);
    for (int64_t end = domm_now_ms() + CLOSE_MS; domm_now_ms() < end && eventfd_read(done, &value);)
        domm_sleep_ms(10);
}

int storage_open(struct storage *storage, struct domm_log *log, struct domm_error *err)
{
    *storage = (struct storage){.log = log, .notify = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    if (storage->notify < 0)
        return domm_fail_errno(err, DOMM_FAILED, errno, "creating an eventfd");
    unmount_all(); /* mounts that a killed agent has left */
    return 0;
}

static bool has_workers(const struct storage *storage)
{
    for (size_t i = 0; i < STORAGE_MAX; i++) {
        if (storage->slots[i].worker)
            return true;
    }
    return false;
}

static void free_ended(struct storage *storage)
{
    for (size_t i = 0; i < STORAGE_MAX; i++) {
        struct storage_slot *slot = &storage->slots[i];
        if (!slot->worker || !storage_worker_has_ended(slot->worker))
            continue;
        storage_worker_free(slot->worker);
        *slot = (struct storage_slot){.worker = NULL};
    }
}

static void storage_stop(struct storage *storage, struct storage_slot *slot)
{
    if (!slot->stopping)
        domm_log(storage->log, DOMM_LOG_INFO, "unmounting %s/%s/%u", STORAGE_ROOT, slot->directory,
                 slot->number);
    slot->stopping = true;
    storage_worker_stop(slot->worker);
}

/* Threads that still wait for a server end with the process. */
void storage_close(struct storage *storage)
{
    for (size_t i = 0; i < STORAGE_MAX; i++) {
        if (storage->slots[i].worker)
            storage_stop(storage, &storage->slots[i]);
    }
    for (int64_t end = domm_now_ms() + CLOSE_MS; has_workers(storage) && domm_now_ms() < end;
         domm_sleep_ms(10))
        free_ended(storage);
    if (!storage->rooted)
        return;
    unmount_all();
    rmdir(STORAGE_ROOT);
}

static struct wanted_target *storage_find_target(struct storage *storage,
                                                 const struct domm_uuid *uuid)
{
    for (size_t i = 0; i < storage->wanted.n_targets; i++) {
        if (domm_uuid_equal(&storage->wanted.targets[i].uuid, uuid))
            return &storage->wanted.targets[i];
    }
    return NULL;
}

static bool is_same(const struct domm_storage *a, const struct domm_storage *b)
{
    return a->kind == b->kind && a->max_age == b->max_age && strcmp(a->source, b->source) == 0 &&
           domm_nfs_options_equal(&a->nfs, &b->nfs);
}

/* A different source at the same number replaces the old storage at once. */
static void stop_unwanted(struct storage *storage, int64_t now)
{
    for (size_t i = 0; i < STORAGE_MAX; i++) {
        struct storage_slot *slot = &storage->slots[i];
        if (!slot->worker || slot->stopping)
            continue;
        const struct wanted_target *target = storage_find_target(storage, &slot->uuid);
        bool listed = target && target->listed[slot->number];
        if (listed && !is_same(&target->storage[slot->number], &slot->storage))
            storage_stop(storage, slot);
        else if (listed || !slot->missed_ms)
            slot->missed_ms = listed ? 0 : now;
        else if (now - slot->missed_ms >= GRACE_MS)
            storage_stop(storage, slot);
    }
}

/* Finds the slot of that storage, or of any storage of the target if number is negative. */
static struct storage_slot *find_slot(struct storage *storage, const struct domm_uuid *uuid,
                                      int number)
{
    for (size_t i = 0; i < STORAGE_MAX; i++) {
        struct storage_slot *slot = &storage->slots[i];
        if (slot->worker && domm_uuid_equal(&slot->uuid, uuid) &&
            (number < 0 || slot->number == (unsigned)number))
            return slot;
    }
    return NULL;
}

static bool storage_is_taken(const struct storage *storage, const char *directory)
{
    for (size_t i = 0; i < STORAGE_MAX; i++) {
        if (storage->slots[i].worker && strcmp(storage->slots[i].directory, directory) == 0)
            return true;
    }
    return false;
}

/* Chooses the directory as for the memory files: the target's name or UUID. The name at the time of
 * the first mount is kept, since a migration changes it for a while. */
static void choose_directory(struct storage *storage, const struct wanted_target *target,
                             struct storage_slot *slot)
{
    const struct storage_slot *other = find_slot(storage, &target->uuid, -1);
    if (other) {
        memcpy(slot->directory, other->directory, sizeof(slot->directory));
    } else if (target->name[0] && !storage_is_taken(storage, target->name)) {
        snprintf(slot->directory, sizeof(slot->directory), "%s", target->name);
    } else {
        for (size_t i = 0; i < sizeof(target->uuid.bytes); i++)
            snprintf(slot->directory + 2 * i, 3, "%02x", target->uuid.bytes[i]);
    }
}

/* A small file system below all storage, so that everything can be unmounted at once. */
static bool make_root(struct storage *storage)
{
    if (storage->rooted)
        return true;
    if ((mkdir(STORAGE_ROOT, 0755) && errno != EEXIST) ||
        mount("domm-storage", STORAGE_ROOT, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
              "mode=0755,size=64k")) {
        domm_log(storage->log, DOMM_LOG_WARN, "cannot mount storage: %s: %s", STORAGE_ROOT,
                 strerror(errno));
        return false;
    }
    storage->rooted = true;
    return true;
}

static struct storage_slot *free_slot(struct storage *storage)
{
    for (size_t i = 0; i < STORAGE_MAX; i++) {
        if (!storage->slots[i].worker)
            return &storage->slots[i];
    }
    return NULL;
}

/* Returns false if it must be tried again later. */
static bool storage_start(struct storage *storage, const struct wanted_target *target,
                          unsigned number)
{
    char path[ANSWER_PATH];
    struct storage_slot *slot = free_slot(storage);
    if (!slot || !make_root(storage))
        return false;
    *slot = (struct storage_slot){
        .uuid = target->uuid, .number = number, .storage = target->storage[number]};
    choose_directory(storage, target, slot);
    snprintf(path, sizeof(path), "%s/%s/%u", STORAGE_ROOT, slot->directory, number);
    slot->worker = storage_worker_start(&slot->storage, path, storage->notify);
    if (!slot->worker)
        return false;
    domm_log(storage->log, DOMM_LOG_INFO, "mounting %s at %s", slot->storage.source, path);
    return true;
}

/* A slot whose thread is ending is not free yet; the thread notifies when it has ended. */
static bool start_wanted(struct storage *storage)
{
    bool all = true;
    for (size_t i = 0; i < storage->wanted.n_targets; i++) {
        const struct wanted_target *target = &storage->wanted.targets[i];
        for (unsigned n = 0; n < DOMM_RECORD_MAX_ITEMS; n++) {
            if (target->listed[n] && !find_slot(storage, &target->uuid, (int)n))
                all &= storage_start(storage, target, n);
        }
    }
    return all;
}

int64_t storage_step(struct storage *storage)
{
    eventfd_t value;
    int64_t now = domm_now_ms();
    eventfd_read(storage->notify, &value);
    free_ended(storage);
    stop_unwanted(storage, now);
    bool again = !start_wanted(storage);
    for (size_t i = 0; i < STORAGE_MAX; i++) {
        const struct storage_slot *slot = &storage->slots[i];
        again |= slot->worker && (slot->stopping || slot->missed_ms);
    }
    return again ? RETRY_MS : -1;
}

void storage_ask(struct storage *storage)
{
    for (size_t i = 0; i < STORAGE_MAX; i++) {
        struct storage_slot *slot = &storage->slots[i];
        if (slot->worker && !slot->stopping)
            slot->asked = storage_worker_ask(slot->worker);
    }
}

bool storage_has_looked(struct storage *storage)
{
    for (size_t i = 0; i < STORAGE_MAX; i++) {
        struct storage_slot *slot = &storage->slots[i];
        if (slot->worker && !slot->stopping &&
            !storage_worker_has_looked(slot->worker, slot->asked))
            return false;
    }
    return true;
}

void storage_rest(struct storage *storage, bool rest)
{
    for (size_t i = 0; i < STORAGE_MAX; i++) {
        if (storage->slots[i].worker)
            storage_worker_rest(storage->slots[i].worker, rest);
    }
}

bool storage_is_looking(struct storage *storage)
{
    eventfd_t value;
    bool looking = false;
    eventfd_read(storage->notify, &value);
    for (size_t i = 0; i < STORAGE_MAX; i++) {
        struct storage_slot *slot = &storage->slots[i];
        looking |= slot->worker && storage_worker_is_looking(slot->worker);
    }
    return looking;
}

void storage_report(struct storage *storage, const struct wanted_target *target,
                    struct answer *answer)
{
    for (unsigned n = 0; n < DOMM_RECORD_MAX_ITEMS; n++) {
        if (!target->listed[n])
            continue;
        struct answer_storage *one = &answer->storage[answer->n_storage++];
        struct storage_slot *slot = find_slot(storage, &target->uuid, (int)n);
        *one = (struct answer_storage){.age_s = ANSWER_NEVER, .error = "not mounted"};
        if (slot && !slot->stopping)
            storage_worker_report(slot->worker, slot->asked, one);
    }
}
