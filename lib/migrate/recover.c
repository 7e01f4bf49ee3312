/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/migrate/recover.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/json.h"
#include "lib/migrate/job_status.h"
#include "lib/migrate/journal/unfinished.h"
#include "lib/migrate/question.h"
#include "lib/migrate/recover_internal.h"
#include "lib/migrate/transport/data.h"
#include "lib/pair/locks.h"

/* All journals that are not over. */
struct past {
    struct domm_journal_facts *items;
    size_t count;
    bool no_memory;
};

struct recovery {
    struct domm_log *log;
    const struct domm_recover_options *options;
    domm_recover_say *say;
    void *context;
    unsigned int left;
};

static bool collect(void *context, const struct domm_journal_facts *facts)
{
    struct past *past = context;
    if (facts->over)
        return true;
    struct domm_journal_facts *grown =
        realloc(past->items, (past->count + 1) * sizeof(*past->items));
    past->no_memory |= !grown;
    if (!grown)
        return false;
    past->items = grown;
    past->items[past->count++] = *facts;
    return true;
}

/* The words that run a command at the destination; each is the caller's to free, and n is how many.
 * The journal of an earlier domm has none. */
static size_t find_words(const struct domm_journal_facts *facts, char *words_r[DOMM_SSH_WORDS + 1])
{
    cleanup_json struct json_object *array = facts->ssh[0] ? json_tokener_parse(facts->ssh) : NULL;
    size_t n = 0, count = json_object_is_type(array, json_type_array)
                              ? json_object_array_length(array)
                              : 0;
    for (; n < count && n < DOMM_SSH_WORDS; n++) {
        const char *word = json_object_get_string(json_object_array_get_idx(array, n));
        words_r[n] = strdup(word ? word : "");
    }
    if (!n) {
        words_r[n++] = strdup("ssh");
        words_r[n++] = strdup(facts->other);
    }
    words_r[n] = NULL;
    return n;
}

static void say(struct recovery *recovery, struct domm_recover_result *result)
{
    recovery->left += !result->settled;
    recovery->say(recovery->context, result);
}

/* agree: the other host is only told that it will not be asked again. */
static enum domm_recovery_answer ask_other(struct recovery *recovery,
                                           const struct domm_journal_facts *facts, bool agree,
                                           struct domm_error *why_r)
{
    char *own[DOMM_SSH_WORDS + 1];
    size_t n = find_words(facts, own);
    char *const *words = recovery->options->ssh ? recovery->options->ssh : own;
    enum domm_recovery_answer answer = DOMM_ANSWER_NONE;
    if (agree)
        domm_question_agree(words, &facts->migration);
    else if (words[0])
        answer = domm_question_ask(words, &facts->migration, why_r);
    while (n)
        free(own[--n]);
    return answer;
}

/* Nothing else is known of a journal whose first line was lost with the host. */
static int finish(struct domm_recovering *r, struct domm_error *err)
{
    const struct domm_unfinished_query query = {.guest = &r->facts->guests[0].uuid,
                                                .domid = r->facts->guests[0].domid,
                                                .source = r->facts->source};
    domm_journal_finish(r->source.session.journal);
    if (!r->facts->n_guests || !query.domid)
        return 0;
    return domm_unfinished_finish(&query, err);
}

static int act(struct domm_recovering *r, struct recovery *recovery, enum domm_recovery then,
               struct domm_error *err)
{
    struct domm_session *session = &r->source.session;
    int rc = r->facts->n_guests ? domm_session_lock_guests(session, err) : 0;
    if (rc)
        return rc;
    switch (then) {
    case DOMM_RECOVERY_RUN:
    case DOMM_RECOVERY_RUN_FRESH:
        rc = domm_recover_run(r, recovery->options->when, then == DOMM_RECOVERY_RUN_FRESH, err);
        break;
    case DOMM_RECOVERY_CLEAR:
        rc = domm_recover_destroy(r, err);
        break;
    default:
        break;
    }
    if (rc)
        return rc;
    /* Adopted, and gone: with a boot, or by an administrator. It is not known to have run. */
    if (then == DOMM_RECOVERY_NOTHING && !r->facts->source &&
        r->facts->owner == DOMM_OWNER_DESTINATION)
        rc = domm_journal_decide(session->journal, "lost", err);
    return rc ? rc : finish(r, err);
}

static const char *explain_doubt(enum domm_recovery_answer answer)
{
    static const char *const texts[DOMM_ANSWERS] = {
        [DOMM_ANSWER_NONE] = "it does not answer",
        [DOMM_ANSWER_UNHEARD] = "it knows nothing of the migration",
        [DOMM_ANSWER_BUSY] = "its process is still at work",
        [DOMM_ANSWER_REFUSED] = "it contradicts what it has confirmed",
        [DOMM_ANSWER_ADOPTED] = "it has them",
        [DOMM_ANSWER_LOST] = "it has taken them over and no longer has them, and does not know "
                             "whether the targets have run there",
    };
    return texts[answer];
}

static void explain(const struct domm_journal_facts *facts, struct domm_recover_result *result)
{
    struct domm_error why = result->err;
    const char *name = facts->n_guests ? facts->guests[0].name : "the pair";
    domm_fail(&result->err, DOMM_OUTCOME_UNKNOWN,
              "it is unknown whether %s and its targets may run here: %s was asked, and %s%s%s",
              name, facts->other, explain_doubt(result->answer), why.code ? ": " : "", why.text);
    if (result->then == DOMM_RECOVERY_WAIT)
        domm_hint(&result->err, "run domm recover again when it has ended");
    else
        domm_hint(&result->err,
                  "find out whether they run, or have run, anywhere else. --assume-committed "
                  "destroys the copies here: if nothing else has them, they are lost. "
                  "--assume-rolled-back runs them here: if they have run elsewhere, there are two, "
                  "and their disks are corrupted");
}

/* Journals that name the same copies as this one; the gravest verdict counts. */
static enum domm_recovery gravest(const struct domm_journal_facts *facts, enum domm_recovery then,
                                  struct domm_recover_result *result)
{
    struct domm_unfinished unfinished;
    struct domm_error ignored;
    if (!facts->n_guests || !facts->guests[0].domid || !facts->of_this_boot)
        return then;
    const struct domm_unfinished_query query = {
        .guest = &facts->guests[0].uuid, .domid = facts->guests[0].domid, .source = true};
    if (then > DOMM_RECOVERY_RUN_FRESH || then == DOMM_RECOVERY_NOTHING ||
        domm_unfinished_find(&query, &unfinished, &ignored) ||
        unfinished.owner <= (facts->source ? facts->owner : DOMM_OWNER_SOURCE))
        return then;
    domm_fail(&result->err, DOMM_OUTCOME_UNKNOWN,
              "another migration of %s has to be settled before this one", facts->guests[0].name);
    return DOMM_RECOVERY_WAIT;
}

static void judge(struct domm_recovering *r, struct recovery *recovery,
                  struct domm_recover_result *result)
{
    const struct domm_journal_facts *facts = r->facts;
    struct domm_recovery_facts known = {.over = facts->over, .owner = facts->owner};
    for (size_t g = 0; g < facts->n_guests; g++)
        known.here |= r->source.session.guests[g].domid && (facts->source || !r->suffixed[g]);
    result->asks = facts->source && domm_recovery_asks(&known) && !recovery->options->held_only;
    if (result->asks && !recovery->options->dry_run)
        result->answer = ask_other(recovery, facts, false, &result->err);
    result->then = facts->source
                       ? domm_recovery_at_source(&known, result->answer, recovery->options->assumed)
                       : domm_recovery_at_destination(&known);
    if (facts->source &&
        (result->then == DOMM_RECOVERY_WAIT || result->then == DOMM_RECOVERY_DECIDE))
        explain(facts, result);
    result->then = gravest(facts, result->then, result);
}

static bool is_done(const struct recovery *recovery, enum domm_recovery then)
{
    bool runs = then == DOMM_RECOVERY_RUN || then == DOMM_RECOVERY_RUN_FRESH;
    return then == DOMM_RECOVERY_WAIT || then == DOMM_RECOVERY_DECIDE ||
           (recovery->options->held_only && !runs);
}

/* Without asking, nothing is done that could be wrong. */
static void refuse_unheld(const struct domm_journal_facts *facts,
                          struct domm_recover_result *result)
{
    const char *name = facts->n_guests ? facts->guests[0].name : "the pair";
    if (facts->source)
        domm_fail(&result->err, DOMM_OUTCOME_UNKNOWN, "%s has taken over %s, or may have",
                  facts->other, name);
    else
        domm_fail(&result->err, DOMM_OUTCOME_UNKNOWN,
                  "%s was not handed over to this host, or has "
                  "gone from it",
                  name);
    domm_hint(&result->err, "run domm recover");
}

static void settle_open(struct domm_recovering *r, struct recovery *recovery)
{
    struct domm_recover_result result = {.facts = r->facts};
    struct domm_error err;
    judge(r, recovery, &result);
    if (recovery->options->dry_run) {
        say(recovery, &result);
        return;
    }
    if (is_done(recovery, result.then)) {
        if (recovery->options->held_only)
            refuse_unheld(r->facts, &result);
    } else {
        result.settled = act(r, recovery, result.then, &err) == 0;
        if (!result.settled)
            result.err = err;
        else if (result.answer != DOMM_ANSWER_NONE)
            ask_other(recovery, r->facts, true, &err);
    }
    say(recovery, &result);
}

/* What was read before the lock was taken may not hold any more. */
static void settle_locked(struct recovery *recovery, const struct domm_journal_facts *before)
{
    static struct domm_recovering recovering;
    struct domm_recover_result result = {.facts = before, .then = DOMM_RECOVERY_WAIT};
    cleanup_free struct domm_journal_facts *facts = malloc(sizeof(*facts));
    if (!facts || !domm_journal_facts_find(&before->migration, before->source, facts) ||
        facts->over)
        return;
    if (domm_recover_open(&recovering, facts, recovery->options->dry_run, recovery->log,
                          &result.err)) {
        say(recovery, &result);
    } else {
        if (!recovery->options->dry_run)
            domm_job_status_remove(&recovering.source.session); /* of a process that was killed */
        settle_open(&recovering, recovery);
    }
    domm_recover_close(&recovering);
}

/* Whether the process that has the lock is the migration's. */
static bool is_under_way(const struct domm_journal_facts *facts)
{
    cleanup_json struct json_object *status =
        domm_job_status_read(&facts->migration, facts->source);
    return status != NULL;
}

static void settle_one(struct recovery *recovery, const struct domm_journal_facts *facts)
{
    struct domm_recover_result result = {.facts = facts, .then = DOMM_RECOVERY_WAIT};
    const struct domm_recover_options *options = recovery->options;
    cleanup_fd int locks = -1;
    if ((options->migration && !domm_uuid_equal(options->migration, &facts->migration)) ||
        (options->guest && !domm_journal_facts_name(facts, options->guest, 0)))
        return;
    int rc = domm_guest_locks_open(&locks, &result.err);
    if (!rc)
        domm_fail(&result.err, DOMM_PREFLIGHT, "another recovery is at work on it");
    if (rc)
        say(recovery, &result);
    else if (domm_guest_lock(locks, DOMM_LOCK_MIGRATION, &facts->migration))
        settle_locked(recovery, facts);
    else if (!is_under_way(facts))
        say(recovery, &result);
}

int domm_recover(struct domm_log *log, const struct domm_recover_options *options,
                 domm_recover_say *callback, void *context, unsigned int *left_r,
                 struct domm_error *err)
{
    struct past past = {0};
    struct recovery recovery = {log, options, callback, context, 0};
    domm_journal_facts_each(collect, &past);
    /* The gravest first: the others follow from it. */
    for (int owner = DOMM_OWNERS - 1; owner >= 0; owner--) {
        for (size_t i = 0; i < past.count; i++) {
            if (past.items[i].owner == (enum domm_owner)owner)
                settle_one(&recovery, &past.items[i]);
        }
    }
    free(past.items);
    *left_r = recovery.left;
    return past.no_memory ? domm_no_memory(err) : 0;
}
