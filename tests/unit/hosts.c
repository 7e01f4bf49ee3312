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
    copy->running = copy->ran = true;
}

static void resume(struct world *w, unsigned int g)
{
    struct copy *copy = &w->copies[SRC][g];
    must(w->end[SRC].gone ? none_exists(w, DST) : w->doubt,
         "guest %u resumes before the copies at the destination are destroyed", g);
    if (g == 0)
        must(w->maps[SRC] || w->end[SRC].damaged, "domM resumes without its maps");
    if (copy->running || (w->paused >> g & 1))
        return;
    run(w, SRC, g);
}

static void destroy(struct world *w, int end, unsigned int g)
{
    must(end == SRC || !w->copies[end][g].ran, "a copy that ran at the destination is destroyed");
    w->copies[end][g] = (struct copy){0};
}

static void stop_domm(struct world *w)
{
    must(!any_runs(w, SRC), "domM stops before all targets have stopped");
    must(w->drained, "domM stops before the mirror is drained");
    w->copies[SRC][0].running = w->ready[SRC] = false;
}

static void replace_domm(struct world *w, int end)
{
    must(!any_runs(w, end), "domM is replaced while targets run");
    w->copies[end][0] = (struct copy){
        .exists = true, .whole = true, .running = true, .ran = true, .name = NAME_PROPER};
    w->maps[end] = true;
    w->ready[end] = false;
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
        must(w->ready[SRC], "a target stops while domM is not ready");
        src->running = src->ran = false;
        if (w->sabotage == DOMM_STOPS_FIRST)
            stop_domm(w);
        return;
    case DOMM_STEP_DRAIN:
        must(!any_runs(w, SRC), "the mirror is drained while targets run");
        w->drained = true;
        return;
    case DOMM_STEP_STOP_DOMM:
        stop_domm(w);
        return;
    case DOMM_STEP_DETACH:
        must(!w->copies[SRC][0].running, "the maps of a running domM are taken");
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
    case DOMM_STEP_DESTROY:
        destroy(w, SRC, g);
        return;
    case DOMM_STEP_REPLACE:
        replace_domm(w, SRC);
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
        must(src->name == NAME_AWAY, "guest %u has its name at both ends", g);
        dst->name = NAME_PROPER;
        return;
    case DOMM_STEP_START_DOMM:
        must(all_whole(w) && w->maps[DST] && w->mirror, "domM starts before all is prepared");
        run(w, DST, 0);
        if (w->sabotage == TARGET_BEFORE_DOMM)
            run(w, DST, 1);
        return;
    case DOMM_STEP_RENEW:
        replace_domm(w, DST);
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
    case DOMM_STEP_STOP_DOMM:
        if (w->sabotage == TARGET_RESUMES_FIRST)
            resume(w, 1);
        resume(w, 0);
        return;
    case DOMM_STEP_DETACH:
        must(w->maps[SRC] || !w->copies[SRC][0].running, "maps are written into a running domM");
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

static void act(struct world *w, int end, const struct domm_move_answer *answer)
{
    for (unsigned int i = 0; i < answer->n; i++) {
        const struct domm_action *action = &answer->actions[i];
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
    enum domm_move_state state = w->end[end].state;
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

bool world_event(struct world *w, int end, struct domm_event event)
{
    struct domm_move_answer answer;
    enum domm_move_state before = w->end[end].state;
    sabotage(w, end, &event);
    domm_machine_handle(&w->end[end], &event, &answer);
    enum domm_move_state after = w->end[end].state;
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
        struct domm_move_setup setup = {.source = end == SRC,
                                        .n_targets = n_targets,
                                        .force_busy = force_busy,
                                        .on_not_ready = policy};
        struct domm_move_answer answer;
        domm_machine_begin(&w->end[end], &setup, &answer);
        act(w, end, &answer);
    }
}

static bool owns(const struct world *w, int end)
{
    return domm_states[w->end[end].state].owns;
}

/* A state with work to do that does none would be left by its deadline only. */
static bool idle(const struct domm_machine *m)
{
    enum domm_state_kind kind = domm_states[m->state].kind;
    bool works = kind == DOMM_STATE_RUNS || kind == DOMM_STATE_UNDOES;
    return works && !m->busy && m->state != DOMM_SRC_COPYING;
}

void world_check(const struct world *w)
{
    must(!owns(w, SRC) || !owns(w, DST), "both ends own the guests");
    for (int end = SRC; end < ENDS; end++)
        must(!idle(&w->end[end]), "end %d is idle in \"%s\"", end,
             domm_states[w->end[end].state].name);
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
static void check_place(const struct world *w, int here, bool other_is_clean)
{
    bool forced = w->end[here].unmonitored;
    must((w->maps[here] && w->ready[here]) || forced, "domM is blind at the end");
    for (unsigned int g = 0; g <= targets(w); g++) {
        const struct copy *copy = &w->copies[here][g];
        must(copy->whole && copy->name == NAME_PROPER, "guest %u is not itself at the end", g);
        must(copy->running == !(w->paused >> g & 1) || (g == 0 && forced),
             "guest %u has another pause state", g);
    }
    must(!other_is_clean || none_exists(w, 1 - here), "something is left at the other end");
}

static bool is_in(enum domm_move_state state, const enum domm_move_state *set, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (set[i] == state)
            return true;
    }
    return false;
}

#define IS_IN(state, ...)                                                                          \
    is_in(state, (const enum domm_move_state[]){__VA_ARGS__},                                      \
          sizeof((enum domm_move_state[]){__VA_ARGS__}) / sizeof(enum domm_move_state))

void world_check_end(const struct world *w)
{
    enum domm_move_state src = w->end[SRC].state, dst = w->end[DST].state;
    for (int end = SRC; end < ENDS; end++)
        must(w->dead[end] || domm_states[w->end[end].state].kind == DOMM_STATE_RESTS,
             "end %d hangs in \"%s\"", end, domm_states[w->end[end].state].name);
    must(w->faulty || (src == DOMM_SRC_MOVED && dst == DOMM_DST_MOVED), "no fault, but not moved");
    if (!w->dead[SRC] && src == DOMM_SRC_ROLLED_BACK)
        check_place(w, SRC, !w->dead[DST] && dst == DOMM_DST_GONE);
    if (!w->dead[DST] && dst == DOMM_DST_MOVED)
        check_place(w, DST, !w->dead[SRC] && src == DOMM_SRC_MOVED && !w->end[SRC].damaged);
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
         "the ends do not agree: \"%s\", \"%s\"", domm_states[src].name, domm_states[dst].name);
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
    return mix(h, (uint64_t)(w->cut | w->drained << 1 | w->state_sent << 2 | w->mirror << 3 |
                             w->faulty << 4 | w->doubt << 5 | w->faults << 6));
}
