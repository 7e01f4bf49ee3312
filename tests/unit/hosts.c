/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/hosts.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

char breach[200];

static void __attribute__((format(printf, 2, 3))) must(bool holds, const char *fmt, ...)
{
    if (holds || breach[0])
        return;
    va_list args;
    va_start(args, fmt);
    vsnprintf(breach, sizeof(breach), fmt, args);
    va_end(args);
}

static unsigned int targets(const struct world *w)
{
    return w->end[SRC].setup.n_targets;
}

static bool any_runs(const struct world *w, int end)
{
    for (unsigned int g = 1; g <= targets(w); g++) {
        if (w->copies[end][g].running)
            return true;
    }
    return false;
}

static bool none_exists(const struct world *w, int end)
{
    for (unsigned int g = 0; g <= targets(w); g++) {
        if (w->copies[end][g].exists)
            return false;
    }
    return true;
}

static void run(struct world *w, int end, unsigned int g)
{
    struct copy *copy = &w->copies[end][g];
    must(copy->exists && copy->whole, "guest %u runs at %d though it is not whole", g, end);
    must(!w->copies[1 - end][g].ran, "guest %u runs at %d from a stale copy", g, end);
    must(copy->name == NAME_PROPER || w->end[end].damaged, "guest %u runs at %d under another name",
         g, end);
    must(!w->elsewhere, "guest %u runs at %d, and at a third host", g, end);
    copy->running = copy->ran = true;
    w->ran_at_dst |= (uint8_t)(end == DST ? 1u << g : 0);
}

static void resume(struct world *w, unsigned int g)
{
    struct copy *copy = &w->copies[SRC][g];
    must(w->end[SRC].gone ? none_exists(w, DST) : w->doubt,
         "guest %u resumes before the copies at the destination are destroyed", g);
    if (g == 0)
        must(w->maps[SRC] || w->end[SRC].damaged, "the monitor resumes without its maps");
    if (copy->running || (w->paused >> g & 1))
        return;
    run(w, SRC, g);
}

static void destroy(struct world *w, int end, unsigned int g)
{
    must(end == SRC || !w->copies[end][g].ran, "a copy that ran at the destination is destroyed");
    w->copies[end][g] = (struct copy){0};
}

static void stop_monitor(struct world *w)
{
    must(!any_runs(w, SRC), "the monitor stops before all targets have stopped");
    must(w->drained, "the monitor stops before the mirror is drained");
    w->copies[SRC][0].running = w->ready[SRC] = false;
}

static void replace_monitor(struct world *w, int end)
{
    must(!any_runs(w, end), "the monitor is replaced while targets run");
    w->copies[end][0] = (struct copy){
        .exists = true, .whole = true, .running = true, .ran = true, .name = NAME_PROPER};
    w->maps[end] = true;
    w->ready[end] = false;
    w->ran_at_dst |= end == DST; /* its disk is written to */
}

static bool all_whole(const struct world *w)
{
    for (unsigned int g = 0; g <= targets(w); g++) {
        if (!w->copies[DST][g].whole)
            return false;
    }
    return true;
}

/* Each step's effect, checked for what has to come before it. */
static void run_step(struct world *w, enum domm_step step, unsigned int g)
{
    struct copy *src = &w->copies[SRC][g], *dst = &w->copies[DST][g];
    switch (step) {
    case DOMM_STEP_STOP:
        must(w->ready[SRC], "a target stops while the monitor is not ready");
        src->running = src->ran = false;
        if (w->sabotage == MONITOR_STOPS_FIRST)
            stop_monitor(w);
        return;
    case DOMM_STEP_DRAIN:
        must(!any_runs(w, SRC), "the mirror is drained while targets run");
        w->drained = true;
        return;
    case DOMM_STEP_STOP_MONITOR:
        stop_monitor(w);
        return;
    case DOMM_STEP_DETACH:
        must(!w->copies[SRC][0].running, "the maps of a running monitor are taken");
        w->maps[SRC] = false;
        return;
    case DOMM_STEP_FINISH:
        must(!src->running && !w->maps[SRC], "the final copy is made too early");
        w->sent[g] = true;
        return;
    case DOMM_STEP_SEND_STATE:
        w->state_sent = !w->maps[SRC];
        return;
    case DOMM_STEP_RENAME_AWAY:
        src->name = NAME_AWAY;
        return;
    case DOMM_STEP_DECIDE:
        w->written[SRC].owner = DOMM_OWNER_UNKNOWN;
        return;
    case DOMM_STEP_ADOPT:
        w->written[DST].owner = DOMM_OWNER_DESTINATION;
        return;
    case DOMM_STEP_DESTROY:
        destroy(w, SRC, g);
        return;
    case DOMM_STEP_REPLACE:
        replace_monitor(w, SRC);
        return;
    case DOMM_STEP_RECEIVE:
        *dst = (struct copy){.exists = true, .name = NAME_INCOMING};
        return;
    case DOMM_STEP_RESTORE:
        must(w->sent[g] && dst->exists, "guest %u is restored before it was sent", g);
        dst->whole = true;
        return;
    case DOMM_STEP_REATTACH:
        must(all_whole(w) && w->state_sent && !w->copies[DST][0].running, "maps before guests");
        w->maps[DST] = true;
        return;
    case DOMM_STEP_MIRROR:
        w->mirror = true;
        return;
    case DOMM_STEP_RENAME_IN:
        must(!src->exists || src->name == NAME_AWAY, "guest %u has its name at both ends", g);
        dst->name = NAME_PROPER;
        return;
    case DOMM_STEP_START_MONITOR:
        must(all_whole(w) && w->maps[DST] && w->mirror,
             "the monitor starts before all is prepared");
        run(w, DST, 0);
        if (w->sabotage == TARGET_BEFORE_MONITOR)
            run(w, DST, 1);
        return;
    case DOMM_STEP_RENEW:
        replace_monitor(w, DST);
        return;
    case DOMM_STEP_RELEASE:
        if (!(w->paused >> g & 1))
            run(w, DST, g);
        return;
    default:
        return;
    }
}

static void undo_step(struct world *w, enum domm_step step, unsigned int g)
{
    switch (step) {
    case DOMM_STEP_STOP:
        resume(w, g);
        return;
    case DOMM_STEP_STOP_MONITOR:
        if (w->sabotage == TARGET_RESUMES_FIRST)
            resume(w, 1);
        resume(w, 0);
        return;
    case DOMM_STEP_DETACH:
        must(w->maps[SRC] || !w->copies[SRC][0].running, "maps are written into a running monitor");
        w->maps[SRC] = true;
        return;
    case DOMM_STEP_RENAME_AWAY:
        w->copies[SRC][g].name = NAME_PROPER;
        return;
    case DOMM_STEP_RENAME_IN:
        w->copies[DST][g].name = NAME_INCOMING;
        return;
    case DOMM_STEP_RECEIVE:
        must(!w->maps[DST] || w->end[DST].damaged, "guests are destroyed while they are mapped");
        if (w->sabotage != HALF_A_PAIR || g == 0)
            destroy(w, DST, g);
        return;
    case DOMM_STEP_REATTACH:
        w->maps[DST] = false;
        return;
    case DOMM_STEP_MIRROR:
        w->mirror = false;
        return;
    case DOMM_STEP_DECIDE:
        w->written[SRC].owner = DOMM_OWNER_SOURCE;
        return;
    case DOMM_STEP_ADOPT:
        w->written[DST].owner = DOMM_OWNER_SOURCE;
        return;
    default:
        return;
    }
}

/* The step under way, as the machine keeps it. */
static struct domm_event under_way(const struct world *w, int end)
{
    unsigned int at = w->end[end].busy - 1;
    unsigned int n = targets(w);
    for (enum domm_step step = end ? DOMM_STEP_ADMIT : DOMM_STEP_CHECK;; step++) {
        enum domm_step_scope scope = domm_steps[step].scope;
        unsigned int here = scope == DOMM_ONCE ? 1 : scope == DOMM_EACH ? n + 1 : n;
        if (at < here)
            return (struct domm_event){.step = step, .guest = at + (scope == DOMM_TARGETS)};
        at -= here;
    }
}

void world_effect(struct world *w, int end)
{
    struct domm_event event = under_way(w, end);
    if (w->end[end].undoing)
        undo_step(w, event.step, event.guest);
    else
        run_step(w, event.step, event.guest);
}

void world_step(struct world *w, int end, bool effect, enum domm_event_type result)
{
    struct domm_event event = under_way(w, end);
    event.type = result;
    if (effect)
        world_effect(w, end);
    world_event(w, end, event);
}

static void act(struct world *w, int end, const struct domm_machine_answer *answer)
{
    for (unsigned int i = 0; i < answer->n; i++) {
        const struct domm_action *action = &answer->actions[i];
        w->finished |= action->type == DOMM_ACTION_SEND && action->message == DOMM_MESSAGE_FINISHED;
        if (action->type != DOMM_ACTION_SEND || w->cut || w->dead[1 - end])
            continue;
        must(w->n_queued[1 - end] < MAX_QUEUE, "too many messages in flight");
        if (!breach[0])
            w->queue[1 - end][w->n_queued[1 - end]++] = (uint8_t)action->message;
    }
}

static void sabotage(const struct world *w, int end, struct domm_event *event)
{
    const struct domm_event gone = {.type = DOMM_EVENT_MESSAGE, .message = DOMM_MESSAGE_GONE};
    enum domm_migration_state state = w->end[end].state;
    if (w->sabotage == RESUME_WHEN_UNANSWERED && state == DOMM_SRC_COMMITTING &&
        event->type == DOMM_EVENT_TIMEOUT)
        *event = gone;
    if (w->sabotage == RESUME_BEFORE_DESTROYED && state == DOMM_SRC_STOPPING &&
        event->type == DOMM_EVENT_ABORT)
        *event = gone;
    if (w->sabotage == START_WHEN_UNTOLD && state == DOMM_DST_PREPARED &&
        event->type == DOMM_EVENT_LOST)
        *event = (struct domm_event){.type = DOMM_EVENT_MESSAGE, .message = DOMM_MESSAGE_COMMIT};
}

/* Each state is written down as it is entered; the loop writes "over" where it ends. */
static void write_state(struct world *w, int end)
{
    struct written *written = &w->written[end];
    switch (w->end[end].state) {
    case DOMM_SRC_AWAITING_RESULT:
    case DOMM_SRC_CLEARING:
        written->owner = DOMM_OWNER_DESTINATION;
        return;
    case DOMM_SRC_MOVED:
        written->owner = DOMM_OWNER_DESTINATION;
        written->over = !w->end[end].damaged;
        return;
    case DOMM_DST_STARTING:
        written->owning = true;
        return;
    case DOMM_SRC_ROLLED_BACK:
    case DOMM_DST_MOVED:
    case DOMM_DST_GONE:
        written->over = true;
        return;
    default:
        return;
    }
}

bool world_event(struct world *w, int end, struct domm_event event)
{
    struct domm_machine_answer answer;
    enum domm_migration_state before = w->end[end].state;
    sabotage(w, end, &event);
    domm_machine_handle(&w->end[end], &event, &answer);
    enum domm_migration_state after = w->end[end].state;
    if (after != before)
        write_state(w, end);
    if (end == SRC && (event.type == DOMM_EVENT_TIMEOUT || event.type == DOMM_EVENT_LOST) &&
        after != before && after != DOMM_SRC_ABORTING)
        w->doubt = true;
    if (w->sabotage == LOSE_A_GUEST && before == DOMM_SRC_DECIDING && after != before)
        destroy(w, SRC, 1), destroy(w, DST, 1);
    act(w, end, &answer);
    return !answer.ignored;
}

bool world_can_be_ready(const struct world *w, int end)
{
    return w->copies[end][0].running && w->maps[end];
}

void world_begin(struct world *w, unsigned int n_targets, enum domm_on_not_ready policy,
                 bool force_busy, enum sabotage kind)
{
    memset(w, 0, sizeof(*w));
    for (unsigned int g = 0; g <= n_targets; g++)
        w->copies[SRC][g] =
            (struct copy){.exists = true, .whole = true, .running = true, .name = NAME_PROPER};
    if (n_targets == 2) { /* one of two was paused */
        w->paused = 4;
        w->copies[SRC][2].running = false;
    }
    w->maps[SRC] = w->ready[SRC] = true;
    w->sabotage = (uint8_t)kind;
    for (int end = SRC; end < ENDS; end++) {
        struct domm_migration_setup setup = {.source = end == SRC,
                                             .n_targets = n_targets,
                                             .force_busy = force_busy,
                                             .on_not_ready = policy};
        struct domm_machine_answer answer;
        domm_machine_begin(&w->end[end], &setup, &answer);
        act(w, end, &answer);
    }
}

static bool owns(const struct world *w, int end)
{
    return domm_migration_states[w->end[end].state].owns;
}

/* A state with work to do that does none would be left by its deadline only. */
static bool idle(const struct domm_machine *m)
{
    enum domm_migration_state_kind kind = domm_migration_states[m->state].kind;
    bool works = kind == DOMM_STATE_KIND_RUNS || kind == DOMM_STATE_KIND_UNDOES;
    return works && !m->busy && m->state != DOMM_SRC_COPYING;
}

/* Whether the copy is the guest as it is, or was when it stopped. */
static bool is_good(const struct world *w, int end, unsigned int g)
{
    const struct copy *copy = &w->copies[end][g];
    bool stale = end == SRC ? w->ran_at_dst >> g & 1 : w->copies[SRC][g].ran;
    return copy->exists && copy->whole && !stale && !w->elsewhere;
}

/* Guests end with the host that owns them, as they do without a migration. */
void world_reset(struct world *w, int end)
{
    /* FINISHED lets the source destroy its copies. */
    bool owned = end == SRC ? !w->written[DST].owning : w->finished || w->written[DST].over;
    for (unsigned int g = 0; g <= targets(w); g++) {
        if (is_good(w, end, g) && (owned || !is_good(w, 1 - end, g)))
            w->lost |= (uint8_t)(1u << g);
        w->copies[end][g] = (struct copy){0};
    }
    w->maps[end] = w->ready[end] = false;
    w->dead[end] = w->cut = true;
    w->n_queued[end] = 0;
    if (w->sabotage == JOURNALS_END_WITH_BOOTS)
        w->written[end] = (struct written){.done = true};
}

bool world_move_on(struct world *w)
{
    if (w->elsewhere || w->end[DST].state != DOMM_DST_MOVED || !w->written[DST].over)
        return false;
    for (unsigned int g = 0; g <= targets(w); g++) {
        if (!w->copies[DST][g].exists)
            return false;
    }
    for (unsigned int g = 0; g <= targets(w); g++)
        w->copies[DST][g] = (struct copy){0};
    w->maps[DST] = w->ready[DST] = false;
    return w->elsewhere = w->dead[DST] = true;
}

static struct domm_recovery_facts facts_at(const struct world *w, int end)
{
    struct domm_recovery_facts facts = {.alive = !w->dead[end] && !w->written[end].over,
                                        .over = w->written[end].over,
                                        .owner = (enum domm_owner)w->written[end].owner};
    for (unsigned int g = 0; g <= targets(w); g++)
        facts.here |=
            w->copies[end][g].exists && (end == SRC || w->copies[end][g].name == NAME_PROPER);
    if (facts.alive && end == DST && !w->written[DST].owning)
        facts.owner = DOMM_OWNER_SOURCE;
    return facts;
}

/* A process that may still take the guests over is told to give up. */
static enum domm_recovery_answer ask_destination(struct world *w)
{
    struct domm_recovery_facts there = facts_at(w, DST);
    if (w->sabotage == RECEIVERS_ARE_NOT_ASKED)
        there.alive = false;
    enum domm_recovery_answer answer = domm_recovery_reply(&there);
    if (w->sabotage == SILENCE_IS_REFUSAL && none_exists(w, DST))
        answer = DOMM_ANSWER_REFUSED;
    if (answer == DOMM_ANSWER_BUSY)
        world_event(w, DST, (struct domm_event){.type = DOMM_EVENT_ABORT});
    return answer;
}

static void recover_run(struct world *w, int end, bool fresh)
{
    for (unsigned int g = 0; g <= targets(w); g++) {
        if (w->copies[end][g].exists)
            w->copies[end][g].name = NAME_PROPER;
    }
    if (fresh || !w->copies[end][0].exists)
        replace_monitor(w, end);
    else if (!w->copies[end][0].running)
        run(w, end, 0);
    w->maps[end] = w->ready[end] = true;
    for (unsigned int g = 1; g <= targets(w); g++) {
        if (w->copies[end][g].exists && !w->copies[end][g].running && !(w->paused >> g & 1))
            run(w, end, g);
    }
}

static void recover_clear(struct world *w, int end)
{
    for (unsigned int g = 0; g <= targets(w); g++) {
        must(!w->copies[end][g].running, "recovery destroys guest %u, which runs, at %d", g, end);
        must(!is_good(w, end, g) || is_good(w, 1 - end, g) || w->lost >> g & 1,
             "recovery destroys the last copy of %u", g);
        w->copies[end][g] = (struct copy){0};
    }
    w->maps[end] = false;
}

static bool act_on(struct world *w, int end, enum domm_recovery then)
{
    switch (then) {
    case DOMM_RECOVERY_RUN:
    case DOMM_RECOVERY_RUN_FRESH:
        recover_run(w, end, then == DOMM_RECOVERY_RUN_FRESH);
        break;
    case DOMM_RECOVERY_CLEAR:
        recover_clear(w, end);
        break;
    case DOMM_RECOVERY_NOTHING: /* adopted, and gone: it is not over, as the answer is concerned */
        return w->written[end].done = true;
    default:
        must(false, "recovery at %d does not know what to do", end);
        return false;
    }
    return w->written[end].over = w->written[end].done = true;
}

bool world_recover(struct world *w, int end)
{
    const struct domm_recovery_facts facts = facts_at(w, end);
    enum domm_recovery_answer answer = DOMM_ANSWER_NONE;
    if (facts.alive || facts.over || w->written[end].done)
        return false;
    if (end == DST)
        return act_on(w, DST, domm_recovery_at_destination(&facts));
    enum domm_migration_state before = w->end[DST].state;
    if (domm_recovery_asks(&facts))
        answer = ask_destination(w);
    enum domm_recovery then = domm_recovery_at_source(&facts, answer, DOMM_ASSUME_NOTHING);
    if (then == DOMM_RECOVERY_DECIDE) {
        bool ran = w->ran_at_dst & ~1u;
        then = domm_recovery_at_source(&facts, answer,
                                       ran ? DOMM_ASSUME_COMMITTED : DOMM_ASSUME_ROLLED_BACK);
        w->lost |= ran ? 0xff : 0; /* one of two targets may not have run yet */
    }
    if (then == DOMM_RECOVERY_WAIT)
        return w->end[DST].state != before;
    return act_on(w, SRC, then);
}

/* With recovery: of each guest one copy runs at most, and targets only while their monitor does. */
static void check_recovering(const struct world *w)
{
    for (unsigned int g = 0; g <= targets(w); g++) {
        int running = w->copies[SRC][g].running + w->copies[DST][g].running + w->elsewhere;
        must(running < 2, "guest %u runs twice", g);
        for (int end = SRC; g > 0 && end < ENDS; end++)
            must(!w->copies[end][g].running || (w->copies[end][0].running && w->ready[end]) ||
                     w->end[end].unmonitored,
                 "target %u runs unmonitored at %d", g, end);
    }
}

static bool is_held(const struct world *w, int end)
{
    return !w->dead[end] &&
           (w->end[end].state == DOMM_SRC_HELD || w->end[end].state == DOMM_DST_HELD);
}

void world_check_settled(const struct world *w)
{
    if (is_held(w, SRC) || is_held(w, DST))
        return;
    for (unsigned int g = 0; g <= targets(w); g++) {
        int running = w->copies[SRC][g].running + w->copies[DST][g].running + w->elsewhere;
        bool forced = w->end[SRC].unmonitored || w->end[DST].unmonitored;
        must(running == 1 || w->lost >> g & 1 || w->paused >> g & 1 || (g == 0 && forced),
             "of guest %u no copy runs at the end", g);
    }
}

void world_check(const struct world *w)
{
    if (w->recovers) {
        check_recovering(w);
        return;
    }
    must(!owns(w, SRC) || !owns(w, DST), "both ends own the guests");
    for (int end = SRC; end < ENDS; end++)
        must(!idle(&w->end[end]), "end %d is idle in \"%s\"", end,
             domm_migration_states[w->end[end].state].name);
    for (unsigned int g = 0; g <= targets(w); g++) {
        const struct copy *src = &w->copies[SRC][g], *dst = &w->copies[DST][g];
        must(!src->running || !dst->running, "guest %u runs twice", g);
        must((src->whole && !dst->ran) || (dst->whole && !src->ran), "guest %u is lost", g);
        for (int end = SRC; g > 0 && end < ENDS; end++)
            must(!w->copies[end][g].running || (w->copies[end][0].running && w->ready[end]) ||
                     w->end[end].unmonitored,
                 "target %u runs unmonitored at %d", g, end);
    }
}

/* All at one end as it was before, and nothing at the other. */
static void check_position(const struct world *w, int here, bool other_is_clean)
{
    bool forced = w->end[here].unmonitored;
    must((w->maps[here] && w->ready[here]) || forced, "the monitor is blind at the end");
    for (unsigned int g = 0; g <= targets(w); g++) {
        const struct copy *copy = &w->copies[here][g];
        must(copy->whole && copy->name == NAME_PROPER, "guest %u is not itself at the end", g);
        must(copy->running == !(w->paused >> g & 1) || (g == 0 && forced),
             "guest %u has another pause state", g);
    }
    must(!other_is_clean || none_exists(w, 1 - here), "something is left at the other end");
}

static bool is_in(enum domm_migration_state state, const enum domm_migration_state *set, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (set[i] == state)
            return true;
    }
    return false;
}

#define IS_IN(state, ...)                                                                          \
    is_in(state, (const enum domm_migration_state[]){__VA_ARGS__},                                 \
          sizeof((enum domm_migration_state[]){__VA_ARGS__}) / sizeof(enum domm_migration_state))

void world_check_end(const struct world *w)
{
    enum domm_migration_state src = w->end[SRC].state, dst = w->end[DST].state;
    for (int end = SRC; end < ENDS; end++)
        must(w->dead[end] || domm_migration_states[w->end[end].state].kind == DOMM_STATE_KIND_HALTS,
             "end %d hangs in \"%s\"", end, domm_migration_states[w->end[end].state].name);
    must(w->faulty || (src == DOMM_SRC_MOVED && dst == DOMM_DST_MOVED), "no fault, but not moved");
    if (!w->dead[SRC] && src == DOMM_SRC_ROLLED_BACK)
        check_position(w, SRC, !w->dead[DST] && dst == DOMM_DST_GONE);
    if (!w->dead[DST] && dst == DOMM_DST_MOVED)
        check_position(w, DST, !w->dead[SRC] && src == DOMM_SRC_MOVED && !w->end[SRC].damaged);
    for (int end = SRC; end < ENDS; end++)
        must(w->end[end].damaged ||
                 !IS_IN(w->end[end].state, DOMM_SRC_STUCK, DOMM_DST_STUCK, DOMM_DST_IMPAIRED),
             "end %d ends badly for no reason", end);
    must(w->dead[DST] || dst != DOMM_DST_GONE || none_exists(w, DST), "gone, but not all of it");
    if (w->dead[SRC] || w->dead[DST])
        return;
    bool moved = IS_IN(dst, DOMM_DST_MOVED, DOMM_DST_IMPAIRED, DOMM_DST_HELD);
    bool unknown = src == DOMM_SRC_UNKNOWN;
    must(unknown || moved == IS_IN(src, DOMM_SRC_MOVED, DOMM_SRC_UNCONFIRMED),
         "the ends do not agree: \"%s\", \"%s\"", domm_migration_states[src].name,
         domm_migration_states[dst].name);
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

uint64_t world_fingerprint(const struct world *w)
{
    uint64_t h = 1;
    for (int end = SRC; end < ENDS; end++) {
        const struct domm_machine *m = &w->end[end];
        h = mix(h, m->state | m->next << 8 | (uint64_t)m->begun << 16 | (uint64_t)m->busy << 24 |
                       m->converged << 32);
        h = mix(h, (uint64_t)(m->undoing | m->cancelled << 1 | m->damaged << 2 | m->restarted << 3 |
                              m->gone << 4 | m->unmonitored << 5 | w->dead[end] << 6 |
                              m->all_stopped << 10 | w->told[end] << 7 | w->maps[end] << 8 |
                              w->ready[end] << 9));
        for (unsigned int i = 0; i < w->n_queued[end]; i++)
            h = mix(h, w->queue[end][i] + 1u);
        h = mix(h, 0xff);
        for (unsigned int g = 0; g < MAX_GUESTS; g++) {
            const struct copy *c = &w->copies[end][g];
            h = mix(h, (uint64_t)(c->exists | c->whole << 1 | c->running << 2 | c->ran << 3 |
                                  c->name << 4 | w->sent[g] << 6));
        }
    }
    for (int end = SRC; w->recovers && end < ENDS; end++) {
        const struct written *j = &w->written[end];
        h = mix(h, (uint64_t)(j->owner | j->owning << 2 | j->over << 3 | j->done << 4));
    }
    if (w->recovers)
        h = mix(h,
                (uint64_t)(w->elsewhere | w->lost << 1 | w->ran_at_dst << 9 | w->finished << 17));
    return mix(h, (uint64_t)(w->cut | w->drained << 1 | w->state_sent << 2 | w->mirror << 3 |
                             w->faulty << 4 | w->doubt << 5 | w->faults << 6));
}
