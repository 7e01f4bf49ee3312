/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The rules of recovery: what an end does with a migration whose process is gone, and what the
 * destination answers when the source asks. Two small tables, pure; nothing else decides.
 *
 *   - The source never runs its copies once COMMIT may have been sent, unless the destination says
 *     that it has not taken them over and never will. Silence is no answer, and neither is "there
 * is none": the destination may have taken them over and lost them, or passed them on.
 *   - A destination whose process is gone without "adopted" in its journal will never take them
 *     over, since nobody else may. It need not ask. "adopted" stays true for ever, whatever became
 *     of the guests afterwards.
 *   - Of several journals that name the same copies the gravest verdict counts.
 */
#ifndef DOMM_MIGRATE_FSM_RECOVERY_H
#define DOMM_MIGRATE_FSM_RECOVERY_H

#include <stdbool.h>

/* The owner of the guests by the journal of one end. The gravest is the last. */
enum domm_owner {
    DOMM_OWNER_SOURCE,
    DOMM_OWNER_UNKNOWN, /* source only: COMMIT may have been sent, and was not answered */
    DOMM_OWNER_DESTINATION,
    DOMM_OWNERS
};

/* What the destination says of a migration when the source asks. */
enum domm_recovery_answer {
    DOMM_ANSWER_NONE,    /* it was not asked, or did not answer */
    DOMM_ANSWER_UNHEARD, /* it has no journal of this migration */
    DOMM_ANSWER_BUSY,    /* a process is at work, and may still take the guests over */
    DOMM_ANSWER_REFUSED, /* it has not taken them over, and never will */
    DOMM_ANSWER_ADOPTED, /* it has taken them over, and they are there or have run there */
    DOMM_ANSWER_LOST,    /* it has taken them over, has none of them, and does not know whether the
                            targets have run there */
    DOMM_ANSWERS
};

/* What the administrator says where no answer decides. */
enum domm_assumption {
    DOMM_ASSUME_NOTHING,
    DOMM_ASSUME_COMMITTED,   /* the destination has taken the guests over */
    DOMM_ASSUME_ROLLED_BACK, /* no target has run there, nor ever will */
    DOMM_ASSUMPTIONS
};

/* What an end does. The gravest is the last. */
enum domm_recovery {
    DOMM_RECOVERY_NOTHING,   /* it has nothing to do, now or later */
    DOMM_RECOVERY_RUN,       /* run its copies: the monitor, and its targets once it is ready */
    DOMM_RECOVERY_RUN_FRESH, /* the same with a fresh monitor: another copy of it may have run */
    DOMM_RECOVERY_WAIT,      /* leave all as it is, and ask again later */
    DOMM_RECOVERY_DECIDE,    /* leave all as it is: the administrator has to say what holds */
    DOMM_RECOVERY_CLEAR,     /* destroy its copies: they are stale, or were never handed over */
    DOMM_RECOVERIES
};

/* What an end finds out about one migration by itself. */
struct domm_recovery_facts {
    bool alive; /* a process on this host is at work on the migration */
    bool here;  /* a domain that the migration had on this host is still there */
    bool over; /* its journal says that nothing was left to do: at the destination the guests ran */
    enum domm_owner owner; /* by its journal; at the destination: SOURCE, or DESTINATION if it has
                              adopted them */
};

/* What the source does. The answer counts only if domm_recovery_asks. */
enum domm_recovery domm_recovery_at_source(const struct domm_recovery_facts *facts,
                                           enum domm_recovery_answer answer,
                                           enum domm_assumption assumed);

/* Whether the source has to ask the destination first. */
bool domm_recovery_asks(const struct domm_recovery_facts *facts);

/* What the destination does, without asking. */
enum domm_recovery domm_recovery_at_destination(const struct domm_recovery_facts *facts);

/* What the destination answers; facts is null if it has no journal of the migration. */
enum domm_recovery_answer domm_recovery_reply(const struct domm_recovery_facts *facts);

/* The word for an answer between the hosts; never changes. */
const char *domm_recovery_answer_word(enum domm_recovery_answer answer);

/* DOMM_ANSWERS if the word means nothing. */
enum domm_recovery_answer domm_recovery_answer_by_word(const char *word);

#endif
