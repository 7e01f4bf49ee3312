/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From measurements to verdicts. An aspect (memory, network, storage) is blind if domM sees
 * nothing of it; a pair is blind if all its aspects are, and ready only if all are.
 */
#include <stdarg.h>
#include <stdio.h>

#include "lib/pair/status.h"

/* How much older than asked for a read may be: the agent looks at intervals of seconds. */
#define AGE_SLACK_S 12

const char *domm_verdict_name(enum domm_verdict verdict)
{
    static const char *const names[] = {
        [DOMM_VERDICT_NONE] = "none",
        [DOMM_VERDICT_READY] = "ready",
        [DOMM_VERDICT_DEGRADED] = "degraded",
        [DOMM_VERDICT_BLIND] = "blind",
    };
    return names[verdict];
}

static void judge(struct domm_judgement *judgement, enum domm_verdict verdict, const char *fmt, ...)
    DOMM_PRINTF(3, 4);

static void judge(struct domm_judgement *judgement, enum domm_verdict verdict, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    judgement->verdict = verdict;
    vsnprintf(judgement->reason, sizeof(judgement->reason), fmt, args);
    va_end(args);
}

static void judge_domain(struct domm_status *status)
{
    struct domm_judgement *judgement = &status->domain;
    *judgement = (struct domm_judgement){.verdict = DOMM_VERDICT_READY};
    switch (status->domm->domain.state) {
    case DOMM_STATE_RUNNABLE:
    case DOMM_STATE_BLOCKED:
    case DOMM_STATE_RUNNING:
        break;
    default:
        judge(judgement, DOMM_VERDICT_BLIND, "domM is %s",
              domm_domain_state_name(status->domm->domain.state));
    }
}

static void judge_memory(const struct domm_status *status, struct domm_pair_status *pair)
{
    const struct domm_answer *answer = &pair->answer;
    struct domm_judgement *judgement = &pair->memory;
    *judgement = (struct domm_judgement){.verdict = DOMM_VERDICT_READY};
    if (!status->answered)
        judge(judgement, DOMM_VERDICT_BLIND, "the agent in domM gives no sign of life");
    else if (!answer->given)
        judge(judgement, DOMM_VERDICT_BLIND, "the agent says nothing of this target");
    else if (!answer->memory.ok)
        judge(judgement, DOMM_VERDICT_BLIND, "the agent cannot read it: %s", answer->memory.error);
    else if (status->scanned && !status->frames)
        judge(judgement, DOMM_VERDICT_BLIND,
              "no frame of a target is mapped, whatever the agent says");
    else if (*answer->memory.error)
        judge(judgement, DOMM_VERDICT_DEGRADED, "%s", answer->memory.error);
    else if (!status->service)
        judge(judgement, DOMM_VERDICT_DEGRADED, "dommd does not run: nothing new can be mapped");
    else if (status->writable)
        judge(judgement, DOMM_VERDICT_DEGRADED, "%zu mappings in domM are writable",
              status->writable);
    else if (status->hidden)
        judge(judgement, DOMM_VERDICT_DEGRADED,
              "domM hides %zu of its pages: what it maps is not known", status->hidden);
}

/* What domM's end of a mirror lacks, as far as an agent tells; else null. */
static const char *lacks(const struct domm_answer *answer, unsigned vif)
{
    for (size_t i = 0; i < answer->n_monitors; i++) {
        if (answer->monitor_vifs[i] == vif)
            return answer->monitors[i].ok ? NULL : answer->monitors[i].error;
    }
    return answer->given ? "the agent says nothing of it" : NULL;
}

/* Without an agent to ask, the kernel's word is taken: packets reach programs all the same. */
static void judge_mirror(const struct domm_answer *answer, struct domm_mirror_status *mirror)
{
    const char *lack = lacks(answer, mirror->configured.to);
    char problem[DOMM_MIRROR_PROBLEM];
    const struct domm_mirror_state *state = &mirror->state;
    struct domm_judgement *judgement = &mirror->judgement;
    *judgement = (struct domm_judgement){.verdict = DOMM_VERDICT_READY};
    if (!mirror->ends.target_ifindex)
        judge(judgement, DOMM_VERDICT_BLIND, "the target has no vif %u", mirror->configured.vif);
    else if (!mirror->ends.monitor_ifindex)
        judge(judgement, DOMM_VERDICT_BLIND, "domM has no vif %u", mirror->configured.to);
    else if (!mirror->measured)
        judge(judgement, DOMM_VERDICT_BLIND, "the kernel could not be asked");
    else if (lack)
        judge(judgement, DOMM_VERDICT_BLIND, "vif %u in domM: %s", mirror->configured.to, lack);
    else if (domm_mirror_problem(state, problem)) {
        bool sees = state->monitor.up && state->monitor.carrier &&
                    (state->sent.ours || state->received.ours);
        judge(judgement, sees ? DOMM_VERDICT_DEGRADED : DOMM_VERDICT_BLIND, "%s", problem);
    }
}

static void judge_store(const struct domm_status *status, struct domm_storage_status *store)
{
    const struct domm_claim *claim = &store->claim;
    struct domm_judgement *judgement = &store->judgement;
    *judgement = (struct domm_judgement){.verdict = DOMM_VERDICT_READY};
    if (!status->answered)
        judge(judgement, DOMM_VERDICT_BLIND, "the agent in domM gives no sign of life");
    else if (!claim->ok)
        judge(judgement, DOMM_VERDICT_BLIND, "%s: %s", store->configured->source,
              *claim->error ? claim->error : "the agent says nothing of it");
    else if (claim->age_s < 0 || claim->age_s > (int64_t)store->configured->max_age + AGE_SLACK_S)
        judge(judgement, DOMM_VERDICT_DEGRADED, "%s was last read %lld s ago",
              store->configured->source, (long long)claim->age_s);
}

/* Of several of a kind: ready if all are, blind if all are; the first reason of the gravest. */
static void sum_up(struct domm_judgement *sum, const struct domm_judgement *const *parts,
                   size_t count)
{
    size_t blind = 0;
    *sum = (struct domm_judgement){0};
    for (size_t i = 0; i < count; i++) {
        blind += parts[i]->verdict == DOMM_VERDICT_BLIND;
        if (parts[i]->verdict > sum->verdict)
            *sum = *parts[i];
    }
    if (sum->verdict == DOMM_VERDICT_BLIND && blind < count)
        sum->verdict = DOMM_VERDICT_DEGRADED;
}

static void judge_parts(const struct domm_status *status, struct domm_pair_status *pair)
{
    const struct domm_judgement *parts[DOMM_RECORD_MAX_ITEMS];
    for (size_t i = 0; i < pair->target->n_mirrors; i++) {
        judge_mirror(&pair->answer, &pair->mirrors[i]);
        parts[i] = &pair->mirrors[i].judgement;
    }
    sum_up(&pair->network, parts, pair->target->n_mirrors);
    for (size_t i = 0; i < pair->target->n_storage; i++) {
        judge_store(status, &pair->stores[i]);
        parts[i] = &pair->stores[i].judgement;
    }
    sum_up(&pair->storage, parts, pair->target->n_storage);
}

static void judge_pair(const struct domm_status *status, struct domm_pair_status *pair)
{
    static const char *const names[] = {"memory", "network", "storage"};
    const struct domm_judgement *aspects[] = {&pair->memory, &pair->network, &pair->storage};
    const struct domm_judgement *configured[3];
    size_t count = 0, gravest = 0;
    judge_memory(status, pair);
    judge_parts(status, pair);
    if (status->domain.verdict == DOMM_VERDICT_BLIND) {
        pair->all = status->domain;
        return;
    }
    if (!pair->member) {
        judge(&pair->all, DOMM_VERDICT_BLIND, "the target is not on this host");
        return;
    }
    for (size_t i = 0; i < 3; i++) {
        if (aspects[i]->verdict != DOMM_VERDICT_NONE)
            configured[count++] = aspects[i];
        if (aspects[i]->verdict > aspects[gravest]->verdict)
            gravest = i;
    }
    sum_up(&pair->all, configured, count);
    if (pair->all.verdict > DOMM_VERDICT_READY)
        judge(&pair->all, pair->all.verdict, "%s: %s", names[gravest], aspects[gravest]->reason);
}

void domm_status_judge(struct domm_status *status)
{
    judge_domain(status);
    status->worst = DOMM_VERDICT_NONE;
    for (size_t i = 0; i < status->n_pairs; i++) {
        struct domm_pair_status *pair = &status->pairs[i];
        judge_pair(status, pair);
        if (pair->all.verdict > status->worst)
            status->worst = pair->all.verdict;
    }
}

const struct domm_judgement *domm_status_gravest(const struct domm_status *status,
                                                 const struct domm_uuid *target,
                                                 const char **name_r)
{
    const struct domm_judgement *gravest = &status->domain;
    *name_r = status->domm->domain.name;
    for (size_t i = 0; i < status->n_pairs; i++) {
        const struct domm_pair_status *pair = &status->pairs[i];
        if ((target && !domm_uuid_equal(&pair->target->uuid, target)) ||
            pair->all.verdict <= gravest->verdict)
            continue;
        gravest = &pair->all;
        *name_r = pair->member ? pair->member->domain.name : "a target";
    }
    return gravest;
}
