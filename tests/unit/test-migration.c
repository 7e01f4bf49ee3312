/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Explores all that two ends of a migration can do together, with up to a number of faults
 * anywhere: each step failing before or after its effect, each message lost, doubled or overtaken,
 * the link cut, either program dying, deadlines, signals, a monitor that does not become ready. All
 * interleavings; a point that was met before is not gone through again.
 */
#include "tests/unit/unit.h"

#include "tests/unit/hosts.h"

#define SLOTS (1u << 21)

struct search {
    uint64_t *seen; /* fingerprints; 0 is free */
    size_t points, moves, ends;
    unsigned int depth, deepest;
    char trail[400][40];
};

static struct search search;

/* Whether this point is new. */
static bool visit(const struct world *w)
{
    uint64_t print = world_fingerprint(w) | 1;
    size_t slot = print >> 7 & (SLOTS - 1);
    while (search.seen[slot]) {
        if (search.seen[slot] == print)
            return false;
        slot = (slot + 1) & (SLOTS - 1);
    }
    search.seen[slot] = print;
    assert_true(++search.points < SLOTS / 4 * 3);
    return true;
}

static void explore(const struct world *w);

/* Goes on from a point that one move has led to. */
static void follow(const struct world *w, int end, const char *what)
{
    snprintf(search.trail[search.depth++], sizeof(*search.trail), "%s %.30s", end ? "dst" : "src",
             what);
    if (search.depth > search.deepest)
        search.deepest = search.depth;
    assert_true(search.depth < COUNT(search.trail));
    search.moves++;
    world_check(w);
    if (!breach[0] && visit(w))
        explore(w);
    if (!breach[0])
        search.depth--;
}

static struct world fault(const struct world *w)
{
    struct world next = *w;
    next.faults--;
    next.faulty = true;
    return next;
}

static void try_event(struct world next, int end, enum domm_event_type type, unsigned int guest,
                      const char *what)
{
    if (breach[0])
        return;
    if (world_event(&next, end, (struct domm_event){.type = type, .guest = guest}))
        follow(&next, end, what);
}

static void try_step(struct world next, int end, bool effect, enum domm_event_type type,
                     const char *what)
{
    if (breach[0])
        return;
    world_step(&next, end, effect, type);
    follow(&next, end, what);
}

static void steps(const struct world *w, int end)
{
    if (!w->end[end].busy)
        return;
    try_step(*w, end, true, DOMM_EVENT_STEP_DONE, "step done");
    if (w->end[end].cancelled)
        try_step(*w, end, false, DOMM_EVENT_STEP_FAILED, "step cancelled");
    if (!w->faults)
        return;
    try_step(fault(w), end, false, DOMM_EVENT_STEP_FAILED, "step failed");
    try_step(fault(w), end, true, DOMM_EVENT_STEP_FAILED, "step failed late");
}

static void take(struct world *w, int end, unsigned int at)
{
    memmove(&w->queue[end][at], &w->queue[end][at + 1], MAX_QUEUE - at - 1u);
    w->n_queued[end]--;
}

/* Whether the end makes something of it or not, the message is gone. */
static void deliver(struct world next, int end, unsigned int at, bool keep, const char *what)
{
    if (breach[0])
        return;
    struct domm_event event = {.type = DOMM_EVENT_MESSAGE, .message = next.queue[end][at]};
    if (!keep)
        take(&next, end, at);
    world_event(&next, end, event);
    follow(&next, end, what);
}

static void messages(const struct world *w, int end)
{
    static const char *const names[DOMM_MACHINE_MESSAGES] = {
        "",       "HELLO",     "OFFER",    "ACCEPT", "PREPARE", "PREPARED",
        "COMMIT", "COMMITTED", "FINISHED", "ABORT",  "GONE"};
    if (!w->n_queued[end] || breach[0])
        return;
    deliver(*w, end, 0, false, names[w->queue[end][0]]);
    if ((w->faults || w->cut) && !breach[0]) {
        struct world next = w->cut ? *w : fault(w);
        take(&next, end, 0);
        follow(&next, end, "message lost");
    }
    if (!w->faults)
        return;
    deliver(fault(w), end, 0, true, "message doubled");
    if (w->n_queued[end] > 1)
        deliver(fault(w), end, 1, false, "message overtook");
}

static void readiness(const struct world *w, int end)
{
    enum domm_migration_state state = w->end[end].state;
    bool awaiting = state == DOMM_SRC_AWAITING_MONITOR || state == DOMM_DST_AWAITING_MONITOR;
    bool held = state == DOMM_SRC_HELD || state == DOMM_DST_HELD;
    if (!awaiting && !held)
        return;
    if (world_can_be_ready(w, end)) {
        struct world next = *w;
        next.ready[end] = true;
        try_event(next, end, DOMM_EVENT_READY, 0, "ready");
    } else if (awaiting) {
        try_event(*w, end, DOMM_EVENT_NOT_READY, 0, "cannot be ready");
    }
    if (!w->faults)
        return;
    try_event(fault(w), end, DOMM_EVENT_NOT_READY, 0, "not ready");
    try_event(fault(w), end, DOMM_EVENT_RESTART, 0, "decided: restart");
    try_event(fault(w), end, DOMM_EVENT_FORCE, 0, "decided: force");
}

static void convergence(const struct world *w, int end)
{
    if (w->end[end].state != DOMM_SRC_COPYING)
        return;
    for (unsigned int g = 0; g <= w->end[end].setup.n_targets; g++) {
        if (!(w->end[end].converged >> g & 1))
            try_event(*w, end, DOMM_EVENT_CONVERGED, g, "converged");
        else if (w->faults)
            try_event(fault(w), end, DOMM_EVENT_DIVERGED, g, "diverged");
    }
}

/* A program that has halted without an end it likes ends; its recovery may come at any time. */
static bool gives_up(const struct world *w, int end)
{
    enum domm_migration_state state = w->end[end].state;
    return !w->dead[end] &&
           (state == DOMM_SRC_UNKNOWN || state == DOMM_SRC_UNCONFIRMED || state == DOMM_SRC_STUCK ||
            state == DOMM_DST_STUCK || state == DOMM_DST_IMPAIRED);
}

static void recoveries(const struct world *w, int end)
{
    struct world next = *w;
    if (breach[0])
        return;
    if (gives_up(w, end)) {
        next.dead[end] = true;
        next.n_queued[end] = 0;
        follow(&next, end, "ends");
    } else if (w->dead[end] && world_recover(&next, end)) {
        follow(&next, end, "recovers");
    }
}

static void resets(const struct world *w, int end)
{
    if (!w->recovers || !w->faults || breach[0])
        return;
    struct world next = fault(w);
    world_reset(&next, end);
    follow(&next, end, "host is reset");
    next = fault(w);
    if (end == DST && !breach[0] && world_move_on(&next))
        follow(&next, end, "pair goes on to a third host");
}

static void accidents(const struct world *w, int end)
{
    if ((w->cut || w->dead[1 - end]) && !w->told[end]) {
        struct world next = *w;
        next.told[end] = true;
        world_event(&next, end, (struct domm_event){.type = DOMM_EVENT_LOST});
        follow(&next, end, "link lost");
    }
    if (!w->faults)
        return;
    try_event(fault(w), end, DOMM_EVENT_ABORT, 0, "abort");
    try_event(fault(w), end, DOMM_EVENT_FAILED, 0, "failure");
    try_event(fault(w), end, DOMM_EVENT_TIMEOUT, 0, "timeout");
    try_event(fault(w), end, DOMM_EVENT_LOST, 0, "heartbeat missed");
    try_event(fault(w), end, DOMM_EVENT_LIMIT, 0, "limit");
    for (int effect = 0; effect < 2 && !breach[0]; effect++) {
        struct world next = fault(w);
        if (effect && !next.end[end].busy)
            break;
        if (effect)
            world_effect(&next, end);
        next.dead[end] = true;
        next.n_queued[end] = 0;
        follow(&next, end, effect ? "dies after its step" : "dies");
    }
}

static void explore(const struct world *w)
{
    size_t before = search.moves;
    for (int end = SRC; end < ENDS; end++) {
        if (w->dead[end])
            continue;
        steps(w, end);
        messages(w, end);
        readiness(w, end);
        convergence(w, end);
    }
    for (int end = SRC; w->recovers && end < ENDS; end++)
        recoveries(w, end);
    bool quiet = search.moves == before;
    for (int end = SRC; end < ENDS; end++) {
        resets(w, end);
        if (!w->dead[end] && !breach[0])
            accidents(w, end);
    }
    if (w->faults && !w->cut && !breach[0]) {
        struct world next = fault(w);
        next.cut = true;
        follow(&next, SRC, "link cut");
    }
    if (search.moves > before && !quiet)
        return;
    /* Nothing would happen by itself but deadlines. */
    size_t waited = search.moves;
    for (int end = SRC; end < ENDS; end++) {
        if (!w->dead[end])
            try_event(*w, end, DOMM_EVENT_TIMEOUT, 0, "deadline");
    }
    if (search.moves > waited || breach[0])
        return;
    search.ends++;
    if (w->recovers)
        world_check_settled(w);
    else
        world_check_end(w);
}

static void begin(struct world *w, unsigned int n, enum domm_on_not_ready policy, bool force,
                  enum sabotage kind, uint8_t faults, bool recovers)
{
    memset(search.seen, 0, SLOTS * sizeof(*search.seen));
    search.points = search.moves = search.ends = search.depth = search.deepest = 0;
    breach[0] = '\0';
    world_begin(w, n, policy, force, kind);
    w->faults = faults;
    w->recovers = recovers;
    visit(w);
    explore(w);
}

static void print_trail(void)
{
    for (unsigned int i = 0; i < search.depth; i++)
        print_message("# %s\n", search.trail[i]);
}

static void nothing_breaks_a_rule(void **state)
{
    (void)state;
    static const struct {
        unsigned int n;
        enum domm_on_not_ready policy;
        bool force_busy;
        uint8_t faults;
    } cases[] = {
        {1, DOMM_NOT_READY_HOLD, false, 0},    {1, DOMM_NOT_READY_HOLD, false, 3},
        {1, DOMM_NOT_READY_RESTART, true, 3},  {1, DOMM_NOT_READY_FORCE, false, 3},
        {2, DOMM_NOT_READY_HOLD, false, 0},    {2, DOMM_NOT_READY_HOLD, true, 2},
        {2, DOMM_NOT_READY_RESTART, false, 2}, {2, DOMM_NOT_READY_FORCE, true, 2},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct world w;
        begin(&w, cases[i].n, cases[i].policy, cases[i].force_busy, SOUND, cases[i].faults, false);
        print_message("# %u targets, policy %d, %u faults: %zu points, %zu moves, %zu ends, "
                      "longest run %u\n",
                      cases[i].n, cases[i].policy, cases[i].faults, search.points, search.moves,
                      search.ends, search.deepest);
        if (breach[0]) {
            print_trail();
            fail_msg("%s", breach);
        }
    }
}

/* The checks are worth something only if they see what is wrong. */
static void wrong_orders_are_seen(void **state)
{
    (void)state;
    static const struct {
        enum sabotage kind;
        const char *breach;
    } cases[] = {
        {TARGET_BEFORE_MONITOR, "target 1 runs unmonitored at 1"},
        {TARGET_RESUMES_FIRST, "target 1 runs unmonitored at 0"},
        {MONITOR_STOPS_FIRST, "the monitor stops before"},
        {RESUME_WHEN_UNANSWERED, "both ends own the guests"},
        {START_WHEN_UNTOLD, "both ends own the guests"},
        {RESUME_BEFORE_DESTROYED, "before the copies at the destination are destroyed"},
        {LOSE_A_GUEST, "guest 1 is lost"},
        {HALF_A_PAIR, "before the copies at the destination are destroyed"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct world w;
        begin(&w, 1, DOMM_NOT_READY_HOLD, false, cases[i].kind, 1, false);
        print_message("# wrong order %zu: \"%s\" after %zu moves\n", i + 1, breach, search.moves);
        assert_contains(breach, cases[i].breach);
    }
}

/* Kills, resets of either host, lost answers, a third host: whenever recovery comes, and as often
 * as it comes, one copy of each guest runs in the end. */
static void recovery_leaves_one_copy_of_each(void **state)
{
    (void)state;
    static const struct {
        unsigned int n;
        enum domm_on_not_ready policy;
        uint8_t faults;
    } cases[] = {{1, DOMM_NOT_READY_HOLD, 0},
                 {1, DOMM_NOT_READY_HOLD, 2},
                 {1, DOMM_NOT_READY_RESTART, 2},
                 {2, DOMM_NOT_READY_HOLD, 2}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct world w;
        begin(&w, cases[i].n, cases[i].policy, false, SOUND, cases[i].faults, true);
        print_message("# recovery, %u targets, policy %d, %u faults: %zu points, %zu moves, %zu "
                      "ends\n",
                      cases[i].n, cases[i].policy, cases[i].faults, search.points, search.moves,
                      search.ends);
        if (breach[0]) {
            print_trail();
            fail_msg("%s", breach);
        }
    }
}

/* The rules that domm had before are seen to be wrong. */
static void guesses_are_seen(void **state)
{
    (void)state;
    static const struct {
        enum sabotage kind;
        uint8_t faults;
    } cases[] = {
        {SILENCE_IS_REFUSAL, 2}, {JOURNALS_END_WITH_BOOTS, 3}, {RECEIVERS_ARE_NOT_ASKED, 2}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct world w;
        begin(&w, 1, DOMM_NOT_READY_HOLD, false, cases[i].kind, cases[i].faults, true);
        print_message("# guess %zu: \"%s\" after %zu moves\n", i + 1, breach, search.moves);
        assert_true(breach[0] != '\0');
    }
}

static int begin_group(void **state)
{
    (void)state;
    search.seen = malloc(SLOTS * sizeof(*search.seen));
    return search.seen ? 0 : -1;
}

static int end_group(void **state)
{
    (void)state;
    free(search.seen);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_breaks_a_rule),
        cmocka_unit_test(wrong_orders_are_seen),
        cmocka_unit_test(recovery_leaves_one_copy_of_each),
        cmocka_unit_test(guesses_are_seen),
    };
    return cmocka_run_group_tests_name("move", tests, begin_group, end_group);
}
