/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From measurements to verdicts. An aspect (memory, network, storage) is blind if the monitor sees
 * nothing of it; a pair is blind if all its aspects are, and ready only if all are.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "lib/base/text.h"
#include "lib/pair/status.h"

/* Allowed excess of a read's age: the agent reads at intervals of seconds. */
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

static void set_judgement(struct domm_judgement *judgement, enum domm_verdict verdict,
                          const char *fmt, ...) DOMM_PRINTF(3, 4);

static void set_judgement(struct domm_judgement *judgement, enum domm_verdict verdict,
                          const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    judgement->verdict = verdict;
    vsnprintf(judgement->reason, sizeof(judgement->reason), fmt, args);
    va_end(args);
    domm_make_printable(judgement->reason); /* it may quote names, and the monitor */
}

static void judge_absence(struct domm_status *status)
{
    const char *name = status->monitor->domain.name;
    struct domm_judgement *judgement = &status->domain;
    name = *name ? name : "(unknown)";
    switch (status->absence) {
    case DOMM_ABSENCE_NONE:
        break;
    case DOMM_ABSENCE_GONE:
        set_judgement(judgement, DOMM_VERDICT_BLIND, "its monitor %s is not on this host", name);
        break;
    case DOMM_ABSENCE_SAVED:
        set_judgement(judgement, DOMM_VERDICT_BLIND, "its monitor %s was saved, and not restored",
                      name);
        break;
    case DOMM_ABSENCE_UNREADABLE:
        set_judgement(judgement, DOMM_VERDICT_BLIND, "the record of its monitor %s cannot be read",
                      name);
        break;
    case DOMM_ABSENCE_UNRECORDED:
        set_judgement(judgement, DOMM_VERDICT_BLIND,
                      "%s should monitor it, and has no record that says so", name);
        break;
    }
}

static void judge_domain(struct domm_status *status)
{
    struct domm_judgement *judgement = &status->domain;
    *judgement = (struct domm_judgement){.verdict = DOMM_VERDICT_READY};
    if (status->absence != DOMM_ABSENCE_NONE) {
        judge_absence(status);
        return;
    }
    switch (status->monitor->domain.state) {
    case DOMM_DOMAIN_RUNNABLE:
    case DOMM_DOMAIN_BLOCKED:
    case DOMM_DOMAIN_RUNNING:
        break;
    default:
        set_judgement(judgement, DOMM_VERDICT_BLIND, "the monitor is %s",
                      domm_domain_state_name(status->monitor->domain.state));
    }
}

/* The agent has not answered, so the monitor is taken to see nothing of it. */
static void judge_silence(const struct domm_status *status, struct domm_judgement *judgement)
{
    if (*status->ask_error)
        set_judgement(judgement, DOMM_VERDICT_BLIND, "the agent in the monitor cannot be asked: %s",
                      status->ask_error);
    else
        set_judgement(judgement, DOMM_VERDICT_BLIND,
                      "the agent in the monitor gives no sign of life");
}

static void judge_memory(const struct domm_status *status, struct domm_pair_status *pair)
{
    const struct domm_agent_answer *answer = &pair->answer;
    struct domm_judgement *judgement = &pair->memory;
    *judgement = (struct domm_judgement){.verdict = DOMM_VERDICT_READY};
    if (!status->answered)
        judge_silence(status, judgement);
    else if (!answer->given)
        set_judgement(judgement, DOMM_VERDICT_BLIND, "the agent does not report on this target");
    else if (!answer->memory.ok)
        set_judgement(judgement, DOMM_VERDICT_BLIND, "the agent cannot read it: %s",
                      answer->memory.error);
    else if (status->scanned && !status->frames)
        set_judgement(judgement, DOMM_VERDICT_BLIND,
                      "no frame of a target is mapped, although the agent claims to read it");
    else if (*answer->memory.error)
        set_judgement(judgement, DOMM_VERDICT_DEGRADED, "%s", answer->memory.error);
    else if (!status->service)
        set_judgement(judgement, DOMM_VERDICT_DEGRADED,
                      "dommd does not run: nothing new can be mapped");
    else if (*status->scan_error)
        set_judgement(judgement, DOMM_VERDICT_DEGRADED,
                      "the monitor's page tables cannot be read, so its mappings are not known: %s",
                      status->scan_error);
    else if (status->writable)
        set_judgement(judgement, DOMM_VERDICT_DEGRADED, "%zu mappings in the monitor are writable",
                      status->writable);
    else if (pair->pages.hidden)
        set_judgement(judgement, DOMM_VERDICT_DEGRADED,
                      "%" PRIu64 " of its %" PRIu64 " pages are not seen", pair->pages.hidden,
                      pair->pages.owned);
    else if (status->hidden)
        set_judgement(judgement, DOMM_VERDICT_DEGRADED,
                      "the monitor hides %zu of its pages, so its mappings are not known",
                      status->hidden);
}

/* The defect of the monitor's end of a mirror, according to the agent; null if there is none. */
static const char *lacks(const struct domm_agent_answer *answer, unsigned vif)
{
    for (size_t i = 0; i < answer->n_monitor_vifs; i++) {
        if (answer->monitor_devids[i] == vif)
            return answer->monitor_vifs[i].ok ? NULL : answer->monitor_vifs[i].error;
    }
    return answer->given ? "the agent does not report on it" : NULL;
}

/* Without an answer the monitor's end is assumed to work: packets reach its programs without the
 * agent. */
static void judge_mirror(const struct domm_agent_answer *answer, struct domm_mirror_status *mirror)
{
    const char *lack = lacks(answer, mirror->configured.to);
    char problem[DOMM_MIRROR_PROBLEM];
    const struct domm_mirror_state *state = &mirror->state;
    struct domm_judgement *judgement = &mirror->judgement;
    *judgement = (struct domm_judgement){.verdict = DOMM_VERDICT_READY};
    if (*mirror->error)
        set_judgement(judgement, DOMM_VERDICT_BLIND, "vif %u could not be looked at: %s",
                      mirror->configured.vif, mirror->error);
    else if (!mirror->ends.target_ifindex)
        set_judgement(judgement, DOMM_VERDICT_BLIND, "the target has no vif %u",
                      mirror->configured.vif);
    else if (!mirror->ends.monitor_ifindex)
        set_judgement(judgement, DOMM_VERDICT_BLIND, "the monitor has no vif %u",
                      mirror->configured.to);
    else if (!mirror->measured)
        set_judgement(judgement, DOMM_VERDICT_BLIND, "the kernel could not be asked");
    else if (lack)
        set_judgement(judgement, DOMM_VERDICT_BLIND, "vif %u in the monitor: %s",
                      mirror->configured.to, lack);
    else if (domm_mirror_problem(state, problem)) {
        bool sees = state->monitor.up && state->monitor.carrier &&
                    (state->sent.ours || state->received.ours);
        set_judgement(judgement, sees ? DOMM_VERDICT_DEGRADED : DOMM_VERDICT_BLIND, "%s", problem);
    } else if (mirror->lost) {
        set_judgement(judgement, DOMM_VERDICT_DEGRADED,
                      "%llu packets have not reached the monitor since the last look",
                      (unsigned long long)mirror->lost);
    }
}

static void judge_store(const struct domm_status *status, struct domm_storage_status *store)
{
    const struct domm_claim *claim = &store->claim;
    struct domm_judgement *judgement = &store->judgement;
    *judgement = (struct domm_judgement){.verdict = DOMM_VERDICT_READY};
    if (!status->answered)
        judge_silence(status, judgement);
    else if (!claim->ok)
        set_judgement(judgement, DOMM_VERDICT_BLIND, "%s: %s", store->configured->source,
                      *claim->error ? claim->error : "the agent does not report on it");
    else if (claim->age_s < 0 || claim->age_s > (int64_t)store->configured->max_age + AGE_SLACK_S)
        set_judgement(judgement, DOMM_VERDICT_DEGRADED, "%s was last read %lld s ago",
                      store->configured->source, (long long)claim->age_s);
    else if (*claim->error)
        set_judgement(judgement, DOMM_VERDICT_DEGRADED, "%s: %s", store->configured->source,
                      claim->error);
}

/* Several of a kind are ready if all are, and blind if all are; the reason is the first of the
 * gravest. */
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
    if (!pair->entry) {
        set_judgement(&pair->all, DOMM_VERDICT_BLIND, "the target is not on this host");
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
        set_judgement(&pair->all, pair->all.verdict, "%s: %s", names[gravest],
                      aspects[gravest]->reason);
}

void domm_status_judge(struct domm_status *status)
{
    judge_domain(status);
    status->worst = status->absence == DOMM_ABSENCE_NONE ? DOMM_VERDICT_NONE : DOMM_VERDICT_BLIND;
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
    *name_r = status->monitor->domain.name;
    for (size_t i = 0; i < status->n_pairs; i++) {
        const struct domm_pair_status *pair = &status->pairs[i];
        if ((target && !domm_uuid_equal(&pair->target->uuid, target)) ||
            pair->all.verdict <= gravest->verdict)
            continue;
        gravest = &pair->all;
        *name_r = pair->name ? pair->name : "a target";
    }
    return gravest;
}
