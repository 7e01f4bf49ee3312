/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>

#include "cmd/domm/arguments.h"
#include "cmd/domm/commands.h"
#include "cmd/domm/interrupts.h"
#include "cmd/domm/running.h"
#include "lib/base/cleanup.h"
#include "lib/base/clock.h"
#include "lib/migrate/journal/abort_request.h"
#include "lib/pair/locks.h"

#define LOOK_MS 200
#define PATIENCE_MS 300000

/* -DOMM_FAILED as long as the outcome is open. */
static int abort_outcome(const struct domm_journal_facts *facts, struct domm_error *err)
{
    switch (domm_journal_facts_state(facts)) {
    case DOMM_SRC_ROLLED_BACK:
    case DOMM_DST_GONE:
        return 0;
    case DOMM_SRC_HELD:
        return domm_fail(err, DOMM_OUTCOME_UNKNOWN,
                         "rolled back, but the monitor is not ready, so its targets are held");
    case DOMM_SRC_STUCK:
    case DOMM_DST_STUCK:
        domm_fail(err, DOMM_OUTCOME_UNKNOWN, "the rollback is incomplete");
        return domm_hint(err, "run domm recover to try again");
    default:
        break;
    }
    if (facts->owner == DOMM_OWNER_SOURCE)
        return domm_fail(err, DOMM_FAILED, "the migration is still being rolled back");
    domm_fail(err, DOMM_REFUSED, "too late: the guests are being handed over, or were");
    return domm_hint(err, "migrate them back once they run");
}

static int await_outcome(struct domm_journal_facts *facts, struct domm_error *err)
{
    int64_t end_ms = domm_now_ms() + PATIENCE_MS;
    for (;;) {
        bool alive = domm_guest_is_locked(DOMM_LOCK_MIGRATION, &facts->migration);
        if (!domm_journal_facts_find(&facts->migration, facts->source, facts))
            return domm_fail(err, DOMM_FAILED, "the journal of the migration has gone");
        int rc = abort_outcome(facts, err);
        if (rc != -DOMM_FAILED || domm_now_ms() >= end_ms)
            return rc;
        if (!alive) {
            domm_fail(err, DOMM_OUTCOME_UNKNOWN, "the process of the migration has died");
            return domm_hint(err, "run domm recover");
        }
        rc = cmd_pause_ms(LOOK_MS, err);
        if (rc)
            return rc;
    }
}

static int abort_migration(struct domm_journal_facts *facts, struct domm_error *err)
{
    int rc = domm_abort_request_write(&facts->migration, err);
    if (rc)
        return rc;
    cmd_interrupts_begin();
    rc = await_outcome(facts, err);
    cmd_interrupts_end();
    domm_abort_request_take(&facts->migration); /* a process that has died leaves it */
    if (rc)
        return rc;
    printf("the migration of %s was aborted, and all was rolled back\n", facts->guests[0].name);
    return 0;
}

int cmd_abort(struct cmd_context *context, const struct cmd_arguments *arguments,
              struct domm_error *err)
{
    (void)context;
    cleanup_free struct domm_journal_facts *facts = calloc(1, sizeof(*facts));
    if (!facts)
        return domm_no_memory(err);
    int rc = cmd_running_find(arguments->operands[0], false, facts, err);
    return rc ? rc : abort_migration(facts, err);
}
