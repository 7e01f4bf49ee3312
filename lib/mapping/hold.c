/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/mapping/hold.h"

#include <errno.h>
#include <unistd.h>

#include "lib/base/cleanup.h"
#include "lib/base/lock.h"
#include "lib/base/rest.h"

#define PATIENCE_MS 10000
#define STEP_MS 5

#define FIRST_RESERVED 0x7ff0u /* xen/include/public/xen.h, DOMID_FIRST_RESERVED */

static int await_lock(int notes, uint32_t domm, struct domm_error *err)
{
    for (int waited = 0; !domm_hold_lock(notes, domm); waited += STEP_MS) {
        if (waited >= PATIENCE_MS)
            return domm_fail(err, DOMM_FAILED, "another program has held domain %u for %d s", domm,
                             PATIENCE_MS / 1000);
        domm_rest_ms(STEP_MS);
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
    return domm_fail_errno(err, DOMM_FAILED, errno, "noting that domain %u is held", domid);
}

/*
 * For a note that this process has locked. Between a note and its pause nothing is paused yet, and
 * between an unpause and the end of the note nothing is any more.
 */
static int settle(struct domm_memory *memory, int notes, uint32_t domid, struct domm_error *err)
{
    if (domm_memory_paused(memory, domid)) {
        int rc = domm_memory_unpause(memory, domid, err);
        if (!rc)
            domm_log(domm_memory_log(memory), DOMM_LOG_WARN,
                     "domain %u was left paused by a program that was killed; it runs again",
                     domid);
        else if (rc != -DOMM_NOT_FOUND)
            return rc;
    }
    return write_note(notes, domid, 0, err);
}

static int begin(struct domm_memory *memory, uint32_t domm, int notes, struct domm_error *err)
{
    struct domm_error second;
    int rc = noted(notes, domm) ? settle(memory, notes, domm, err) : 0;
    rc = rc ? rc : write_note(notes, domm, 1, err);
    if (rc)
        return rc;
    rc = domm_memory_pause(memory, domm, err);
    if (rc)
        write_note(notes, domm, 0, &second);
    return rc;
}

/* The lock is let go of by hand: a child that was forked meanwhile has the descriptor too. */
static void let_go(struct domm_hold *hold)
{
    domm_hold_unlock(hold->notes, hold->domm);
    close(hold->notes);
    pthread_sigmask(SIG_SETMASK, &hold->signals, NULL);
}

int domm_hold(struct domm_memory *memory, uint32_t domm, struct domm_hold *hold_r,
              struct domm_error *err)
{
    sigset_t all;
    *hold_r = (struct domm_hold){.memory = memory, .domm = domm};
    int rc = domm_holds_open(&hold_r->notes, err);
    rc = rc ? rc : await_lock(hold_r->notes, domm, err);
    if (rc) {
        domm_cleanup_fd(&hold_r->notes);
        return rc;
    }
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &hold_r->signals);
    rc = begin(memory, domm, hold_r->notes, err);
    if (rc)
        let_go(hold_r);
    return rc;
}

int domm_hold_end(struct domm_hold *hold, int rc, struct domm_error *err)
{
    struct domm_error second;
    int end_rc = domm_memory_unpause(hold->memory, hold->domm, rc ? &second : err);
    if (!end_rc || end_rc == -DOMM_NOT_FOUND)
        write_note(hold->notes, hold->domm, 0, &second);
    let_go(hold);
    return rc ? rc : end_rc;
}

/* One whose note is locked is held right now. */
static void settle_one(struct domm_memory *memory, int notes, uint32_t domid)
{
    struct domm_error err;
    if (!domm_hold_lock(notes, domid))
        return;
    if (noted(notes, domid) && settle(memory, notes, domid, &err))
        domm_log_error(domm_memory_log(memory), &err);
    domm_hold_unlock(notes, domid);
}

int domm_hold_for_layout(struct domm_memory *memory, uint32_t domid, struct domm_layout *layout_r,
                         struct domm_error *err)
{
    struct domm_hold hold;
    *layout_r = (struct domm_layout){0};
    int rc = domm_hold(memory, domid, &hold, err);
    if (rc)
        return rc;
    rc = domm_hold_end(&hold, domm_memory_layout(memory, domid, layout_r, err), err);
    if (rc)
        domm_memory_layout_free(memory, layout_r);
    return rc;
}

int domm_holds_settle(struct domm_memory *memory, struct domm_error *err)
{
    char notes[FIRST_RESERVED];
    cleanup_fd int fd = -1;
    int rc = domm_holds_open(&fd, err);
    ssize_t count = rc ? 0 : pread(fd, notes, sizeof(notes), 0);
    if (count < 0)
        return domm_fail_errno(err, DOMM_FAILED, errno, "reading who is held");
    for (ssize_t i = 0; i < count; i++) {
        if (notes[i])
            settle_one(memory, fd, (uint32_t)i);
    }
    return rc;
}
