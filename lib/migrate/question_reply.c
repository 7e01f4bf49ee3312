/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The destination's side of the question (question.h). */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/sleep.h"
#include "lib/migrate/journal/abort_request.h"
#include "lib/migrate/question.h"
#include "lib/migrate/recover_internal.h"
#include "lib/pair/locks.h"

#define PROCESS_PATIENCE_MS 60000
#define LOOK_MS 200

/* The decisive lines may have been written by a process that was killed before it synced them. */
static int sync_journal(const struct domm_journal_facts *facts, struct domm_error *err)
{
    cleanup_fd int directory = open(facts->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_fd int fd = openat(directory, "journal", O_RDONLY | O_CLOEXEC);
    if (directory < 0 || fd < 0 || fsync(fd) || fsync(directory))
        return domm_fail_errno(err, DOMM_FAILED, errno, "writing the journal in %s", facts->path);
    return 0;
}

/* Whether the process that lives may still take the guests over. "adopted" may be taken back until
 * the state that follows it. */
static bool may_still_adopt(const struct domm_journal_facts *facts, bool alive)
{
    return alive && !facts->owning;
}

static int reply(struct domm_xen *xen, const struct domm_journal_facts *facts, bool alive,
                 enum domm_recovery_answer *answer_r, struct domm_error *err)
{
    struct domm_recovery_facts known = {.alive = alive, .owner = facts->owner};
    int rc = domm_recover_is_there(xen, facts, &known.here, err);
    if (rc)
        return rc;
    known.over = facts->over && !facts->lost;
    if (may_still_adopt(facts, alive))
        known.owner = DOMM_OWNER_SOURCE;
    *answer_r = domm_recovery_reply(&known);
    return alive ? 0 : sync_journal(facts, err);
}

/* The lock is kept until the answer is given: no other recovery is at work meanwhile. */
static int await_process(int locks, struct domm_journal_facts *facts, bool *alive_r,
                         struct domm_error *err)
{
    int64_t end_ms = domm_now_ms() + PROCESS_PATIENCE_MS;
    int rc = 0;
    for (;;) {
        *alive_r = !domm_guest_lock(locks, DOMM_LOCK_MIGRATION, &facts->migration);
        if (!domm_journal_facts_find(&facts->migration, false, facts))
            return domm_fail(err, DOMM_FAILED, "the journal has gone");
        if (!may_still_adopt(facts, *alive_r) || domm_now_ms() >= end_ms)
            return 0;
        rc = domm_abort_request_write(&facts->migration, err);
        if (rc)
            return rc;
        domm_sleep_ms(LOOK_MS);
    }
}

static int find_reply(struct domm_log *log, struct domm_journal_facts *facts,
                      enum domm_recovery_answer *answer_r, struct domm_error *err)
{
    cleanup_fd int locks = -1;
    struct domm_xen *xen;
    bool alive;
    int rc = domm_guest_locks_open(&locks, err);
    if (rc)
        return rc;
    rc = await_process(locks, facts, &alive, err);
    if (rc)
        return rc;
    rc = domm_xen_open(log, &xen, err);
    if (!rc)
        rc = reply(xen, facts, alive, answer_r, err);
    domm_xen_close(xen);
    return rc;
}

int domm_question_reply(struct domm_log *log, const struct domm_uuid *migration,
                        enum domm_recovery_answer *answer_r, struct domm_error *err)
{
    cleanup_free struct domm_journal_facts *facts = malloc(sizeof(*facts));
    *answer_r = DOMM_ANSWER_UNHEARD;
    if (!facts)
        return domm_no_memory(err);
    if (!domm_journal_facts_find(migration, false, facts))
        return 0;
    return find_reply(log, facts, answer_r, err);
}

int domm_question_close(const struct domm_uuid *migration, struct domm_error *err)
{
    cleanup_free struct domm_journal_facts *facts = malloc(sizeof(*facts));
    struct domm_journal *journal;
    if (!facts)
        return domm_no_memory(err);
    if (!domm_journal_facts_find(migration, false, facts))
        return 0;
    int rc = domm_journal_resume(facts->path, &journal, err);
    if (rc)
        return rc;
    domm_journal_agree(journal);
    domm_journal_close(journal);
    return 0;
}
