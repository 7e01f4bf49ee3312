/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/guest/storage.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/guest/clock.h"

/* dom0 writes its nodes one by one: what is not listed for a moment only is not unmounted. */
#define GRACE_MS 2000
#define RETRY_MS 1000
#define IDLE_MS 60000
#define CLOSE_MS 2000

/* With all that is mounted below it, at once. */
static void *detach_root(void *done)
{
    while (umount2(STORAGE_ROOT, MNT_DETACH | UMOUNT_NOFOLLOW) == 0)
        ;
    eventfd_write(*(int *)done, 1);
    return NULL;
}

/* In a thread, since letting go of a server may mean to ask it. It may outlive this call, but not
 * by much: it happens at the agent's begin and end. */
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
    for (int64_t end = now_ms() + CLOSE_MS; now_ms() < end && eventfd_read(done, &value);)
        usleep(10000);
}

int storage_open(struct storage *storage, struct domm_log *log, struct domm_error *err)
{
    *storage = (struct storage){.log = log, .notify = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    if (storage->notify < 0)
        return domm_fail_errno(err, DOMM_FAILED, errno, "making an eventfd");
    unmount_all(); /* what an agent that was killed has left */
    return 0;
}

static bool has_workers(const struct storage *storage)
{
    for (size_t i = 0; i < STORAGE_MAX; i++) {
        if (storage->places[i].worker)
            return true;
    }
    return false;
}

static void free_ended(struct storage *storage)
{
    for (size_t i = 0; i < STORAGE_MAX; i++) {
        struct place *place = &storage->places[i];
        if (!place->worker || !worker_has_ended(place->worker))
            continue;
        worker_free(place->worker);
        *place = (struct place){.worker = NULL};
    }
}

static void stop(struct storage *storage, struct place *place)
{
    if (!place->stopping)
        domm_log(storage->log, DOMM_LOG_INFO, "unmounting %s/%s/%u", STORAGE_ROOT, place->directory,
                 place->number);
    place->stopping = true;
    worker_stop(place->worker);
}

/* Threads that still wait for a server are left to the end of the process. */
void storage_close(struct storage *storage)
{
    for (size_t i = 0; i < STORAGE_MAX; i++) {
        if (storage->places[i].worker)
            stop(storage, &storage->places[i]);
    }
    for (int64_t end = now_ms() + CLOSE_MS; has_workers(storage) && now_ms() < end; usleep(10000))
        free_ended(storage);
    if (!storage->rooted)
        return;
    unmount_all();
    rmdir(STORAGE_ROOT);
}

static struct wanted_target *find_target(struct storage *storage, const struct domm_uuid *uuid)
{
    for (size_t i = 0; i < storage->wanted.n_targets; i++) {
        if (domm_uuid_equal(&storage->wanted.targets[i].uuid, uuid))
            return &storage->wanted.targets[i];
    }
    return NULL;
}

static bool is_same(const struct domm_storage *a, const struct domm_storage *b)
{
    return a->kind == b->kind && a->max_age == b->max_age && strcmp(a->source, b->source) == 0;
}

/* Another source in the same place is no interruption, but the end of the old one. */
static void stop_unwanted(struct storage *storage, int64_t now)
{
    for (size_t i = 0; i < STORAGE_MAX; i++) {
        struct place *place = &storage->places[i];
        if (!place->worker || place->stopping)
            continue;
        const struct wanted_target *target = find_target(storage, &place->uuid);
        bool listed = target && target->listed[place->number];
        if (listed && !is_same(&target->storage[place->number], &place->storage))
            stop(storage, place);
        else if (listed || !place->missed_ms)
            place->missed_ms = listed ? 0 : now;
        else if (now - place->missed_ms >= GRACE_MS)
            stop(storage, place);
    }
}

/* The place of that storage, of any of the target if number is negative. */
static struct place *find_place(struct storage *storage, const struct domm_uuid *uuid, int number)
{
    for (size_t i = 0; i < STORAGE_MAX; i++) {
        struct place *place = &storage->places[i];
        if (place->worker && domm_uuid_equal(&place->uuid, uuid) &&
            (number < 0 || place->number == (unsigned)number))
            return place;
    }
    return NULL;
}

static bool is_taken(const struct storage *storage, const char *directory)
{
    for (size_t i = 0; i < STORAGE_MAX; i++) {
        if (storage->places[i].worker && strcmp(storage->places[i].directory, directory) == 0)
            return true;
    }
    return false;
}

/* The target's name, as it was when its first storage was mounted (a migration changes it for a
 * while), or its UUID, as for the memory files. */
static void choose_directory(struct storage *storage, const struct wanted_target *target,
                             struct place *place)
{
    const struct place *other = find_place(storage, &target->uuid, -1);
    if (other) {
        snprintf(place->directory, sizeof(place->directory), "%s", other->directory);
    } else if (target->name[0] && !is_taken(storage, target->name)) {
        snprintf(place->directory, sizeof(place->directory), "%s", target->name);
    } else {
        for (size_t i = 0; i < sizeof(target->uuid.bytes); i++)
            snprintf(place->directory + 2 * i, 3, "%02x", target->uuid.bytes[i]);
    }
}

/* One small file system below all others: with it everything is unmounted at once. */
static bool make_root(struct storage *storage)
{
    if (storage->rooted)
        return true;
    if ((mkdir(STORAGE_ROOT, 0755) && errno != EEXIST) ||
        mount("domm-storage", STORAGE_ROOT, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC,
              "mode=0755,size=64k")) {
        domm_log(storage->log, DOMM_LOG_WARN, "mounting no storage: %s: %s", STORAGE_ROOT,
                 strerror(errno));
        return false;
    }
    storage->rooted = true;
    return true;
}

static struct place *free_place(struct storage *storage)
{
    for (size_t i = 0; i < STORAGE_MAX; i++) {
        if (!storage->places[i].worker)
            return &storage->places[i];
    }
    return NULL;
}

/* False if it has to be tried again later. */
static bool start(struct storage *storage, const struct wanted_target *target, unsigned number)
{
    char path[ANSWER_PATH];
    struct place *place = free_place(storage);
    if (!place || !make_root(storage))
        return false;
    *place =
        (struct place){.uuid = target->uuid, .number = number, .storage = target->storage[number]};
    choose_directory(storage, target, place);
    snprintf(path, sizeof(path), "%s/%s/%u", STORAGE_ROOT, place->directory, number);
    place->worker = worker_start(&place->storage, path, storage->notify);
    if (!place->worker)
        return false;
    domm_log(storage->log, DOMM_LOG_INFO, "mounting %s at %s", place->storage.source, path);
    return true;
}

/* A place that is being left is waited for: its thread tells. */
static bool start_wanted(struct storage *storage)
{
    bool all = true;
    for (size_t i = 0; i < storage->wanted.n_targets; i++) {
        const struct wanted_target *target = &storage->wanted.targets[i];
        for (unsigned n = 0; n < DOMM_RECORD_MAX_ITEMS; n++) {
            if (target->listed[n] && !find_place(storage, &target->uuid, (int)n))
                all &= start(storage, target, n);
        }
    }
    return all;
}

int64_t storage_step(struct storage *storage)
{
    eventfd_t value;
    int64_t wait = IDLE_MS, now = now_ms();
    eventfd_read(storage->notify, &value);
    free_ended(storage);
    stop_unwanted(storage, now);
    if (!start_wanted(storage))
        wait = RETRY_MS;
    for (size_t i = 0; i < STORAGE_MAX; i++) {
        const struct place *place = &storage->places[i];
        if (place->worker && (place->stopping || place->missed_ms) && wait > RETRY_MS)
            wait = RETRY_MS;
    }
    return wait;
}

void storage_ask(struct storage *storage)
{
    for (size_t i = 0; i < STORAGE_MAX; i++) {
        struct place *place = &storage->places[i];
        if (place->worker && !place->stopping)
            place->asked = worker_ask(place->worker);
    }
}

bool storage_has_looked(struct storage *storage)
{
    for (size_t i = 0; i < STORAGE_MAX; i++) {
        struct place *place = &storage->places[i];
        if (place->worker && !place->stopping && !worker_has_looked(place->worker, place->asked))
            return false;
    }
    return true;
}

void storage_tell(struct storage *storage, const struct wanted_target *target,
                  struct answer *answer)
{
    for (unsigned n = 0; n < DOMM_RECORD_MAX_ITEMS; n++) {
        if (!target->listed[n])
            continue;
        struct answer_storage *one = &answer->storage[answer->n_storage++];
        struct place *place = find_place(storage, &target->uuid, (int)n);
        *one = (struct answer_storage){.age_s = ANSWER_NEVER, .error = "not mounted"};
        if (place && !place->stopping)
            worker_tell(place->worker, place->asked, one);
    }
}
