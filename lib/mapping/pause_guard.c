/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/mapping/pause_guard.h"

#include <errno.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/lock.h"
#include "lib/base/sleep.h"

#define NOTES "holds.lock" /* one byte for each domid, and a lock on that byte */

#define PATIENCE_MS 10000
#define STEP_MS 5

#define FIRST_RESERVED 0x7ff0u /* xen/include/public/xen.h, DOMID_FIRST_RESERVED */

static int await_lock(int notes, uint32_t monitor, struct domm_error *err)
{
    for (int waited = 0; !domm_lock_byte(notes, monitor); waited += STEP_MS) {
        if (waited >= PATIENCE_MS)
            return domm_fail(err, DOMM_FAILED, "another program has kept domain %u paused for %d s",
                             monitor, PATIENCE_MS / 1000);
        domm_sleep_ms(STEP_MS);
    }
    return 0;
}

static bool noted(int notes, uint32_t domid)
{
    char note = 0;
    return pread(notes, &note, 1, (off_t)domid) == 1 && note;
}

static int write_note(int notes, uint32_t domid, char note, struct domm_error *err)
{
    if (pwrite(notes, &note, 1, (off_t)domid) == 1)
        return 0;
    return domm_fail_errno(err, DOMM_FAILED, errno, "recording the pause of domain %u", domid);
}

/*
 * For a note that this process has locked. Between a note and its pause nothing is paused yet, and
 * between an unpause and the end of the note nothing is any more.
 */
static int reclaim(struct domm_hv *hv, int notes, uint32_t domid, struct domm_error *err)
{
    if (domm_hv_paused(hv, domid)) {
        int rc = domm_hv_unpause(hv, domid, err);
        if (!rc)
            domm_log(domm_hv_log(hv), DOMM_LOG_WARN,
                     "domain %u was left paused by a program that was killed; it runs again",
                     domid);
        else if (rc != -DOMM_NOT_FOUND)
            return rc;
    }
    return write_note(notes, domid, 0, err);
}

static int pause_guard_begin(struct domm_hv *hv, uint32_t monitor, int notes,
                             struct domm_error *err)
{
    struct domm_error second;
    int rc = noted(notes, monitor) ? reclaim(hv, notes, monitor, err) : 0;
    if (rc)
        return rc;
    rc = write_note(notes, monitor, 1, err);
    if (rc)
        return rc;
    rc = domm_hv_pause(hv, monitor, err);
    if (rc)
        write_note(notes, monitor, 0, &second);
    return rc;
}

/* The lock is released explicitly: a child that was forked meanwhile has the descriptor, too. */
static void unlock_guard(struct domm_pause_guard *guard)
{
    domm_unlock_byte(guard->notes, guard->monitor);
    close(guard->notes);
    pthread_sigmask(SIG_SETMASK, &guard->signals, NULL);
}

int domm_pause_guard_begin(struct domm_hv *hv, uint32_t monitor, struct domm_pause_guard *guard_r,
                           struct domm_error *err)
{
    sigset_t all;
    *guard_r = (struct domm_pause_guard){.hv = hv, .monitor = monitor};
    int rc = domm_lock_file_open(NOTES, &guard_r->notes, err);
    if (rc)
        return rc;
    rc = await_lock(guard_r->notes, monitor, err);
    if (rc) {
        close(guard_r->notes);
        return rc;
    }
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &guard_r->signals);
    rc = pause_guard_begin(hv, monitor, guard_r->notes, err);
    if (rc)
        unlock_guard(guard_r);
    return rc;
}

int domm_pause_guard_end(struct domm_pause_guard *guard, int rc, struct domm_error *err)
{
    struct domm_error second;
    int unpause_rc = domm_hv_unpause(guard->hv, guard->monitor, rc ? &second : err);
    if (!unpause_rc || unpause_rc == -DOMM_NOT_FOUND)
        write_note(guard->notes, guard->monitor, 0, &second);
    unlock_guard(guard);
    return rc ? rc : unpause_rc;
}

bool domm_pause_guard_is_held(uint32_t domid)
{
    return domm_lock_byte_is_locked(NOTES, domid);
}

/* A monitor whose note is locked is held by a live process. */
static void reclaim_one(struct domm_hv *hv, int notes, uint32_t domid)
{
    struct domm_error err;
    if (!domm_lock_byte(notes, domid))
        return;
    if (noted(notes, domid) && reclaim(hv, notes, domid, &err))
        domm_log_error(domm_hv_log(hv), &err);
    domm_unlock_byte(notes, domid);
}

int domm_pause_guard_layout(struct domm_hv *hv, uint32_t domid, struct domm_layout *layout_r,
                            struct domm_error *err)
{
    struct domm_pause_guard guard;
    *layout_r = (struct domm_layout){0};
    int rc = domm_pause_guard_begin(hv, domid, &guard, err);
    if (rc)
        return rc;
    rc = domm_pause_guard_end(&guard, domm_hv_layout(hv, domid, layout_r, err), err);
    if (rc)
        domm_hv_layout_free(hv, layout_r);
    return rc;
}

int domm_pause_guards_reclaim(struct domm_hv *hv, struct domm_error *err)
{
    char notes[FIRST_RESERVED];
    cleanup_fd int fd = -1;
    int rc = domm_lock_file_open(NOTES, &fd, err);
    ssize_t count = rc ? 0 : pread(fd, notes, sizeof(notes), 0);
    if (count < 0)
        return domm_fail_errno(err, DOMM_FAILED, errno, "reading the recorded pauses");
    for (ssize_t i = 0; i < count; i++) {
        if (notes[i])
            reclaim_one(hv, fd, (uint32_t)i);
    }
    return rc;
}
