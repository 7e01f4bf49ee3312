/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/unit.h"

#include "lib/migrate/fsm/machine.h"

static struct domm_machine begin(bool source, unsigned int n, struct domm_machine_answer *answer_r)
{
    struct domm_machine machine;
    struct domm_migration_setup setup = {.source = source, .n_targets = n};
    domm_machine_begin(&machine, &setup, answer_r);
    return machine;
}

static struct domm_machine_answer tell(struct domm_machine *machine, enum domm_event_type type)
{
    struct domm_machine_answer answer;
    domm_machine_handle(machine, &(struct domm_event){.type = type}, &answer);
    return answer;
}

static struct domm_machine_answer get(struct domm_machine *machine, enum domm_message_type message)
{
    struct domm_machine_answer answer;
    domm_machine_handle(
        machine, &(struct domm_event){.type = DOMM_EVENT_MESSAGE, .message = message}, &answer);
    return answer;
}

/* The table: where each state can lead to stays at its end, and what is past COMMIT stays there. */
static void transitions_stay_at_their_end(void **state)
{
    (void)state;
    size_t n = 0;
    for (enum domm_migration_state from = 0; from < DOMM_MIGRATION_STATES; from++) {
        assert_non_null(domm_migration_states[from].name);
        for (enum domm_migration_cause cause = 0; cause < DOMM_CAUSES; cause++) {
            enum domm_migration_state to = domm_migration_next_state(from, cause);
            if (to == DOMM_MIGRATION_STATES)
                continue;
            n++;
            assert_int_equal(domm_migration_state_is_source(from),
                             domm_migration_state_is_source(to));
            /* The one message that gives the guests back, and the one that gives them away. */
            if (domm_migration_state_is_source(from) && !domm_migration_states[from].owns &&
                domm_migration_states[to].owns)
                assert_int_equal((int)cause, DOMM_MESSAGE_GONE);
            if (!domm_migration_state_is_source(from) && !domm_migration_states[from].owns &&
                domm_migration_states[to].owns)
                assert_int_equal(from, DOMM_DST_ADOPTING);
            if (to == DOMM_DST_ADOPTING)
                assert_int_equal((int)cause, DOMM_MESSAGE_COMMIT);
            if (!domm_migration_state_is_source(from) && domm_migration_states[from].owns)
                assert_true(domm_migration_states[to].owns);
            if (cause == DOMM_CAUSE_ABORT)
                assert_true(domm_migration_states[from].revocable);
        }
    }
    print_message("# %zu transitions between %d states\n", n, (int)DOMM_MIGRATION_STATES);
}

static void steps_have_a_state_of_their_end(void **state)
{
    (void)state;
    for (enum domm_step step = 0; step < DOMM_STEPS; step++) {
        assert_non_null(domm_steps[step].name);
        assert_int_equal(domm_migration_state_is_source(domm_steps[step].state),
                         step < DOMM_STEP_ADMIT);
        assert_int_equal(domm_migration_states[domm_steps[step].state].kind, DOMM_STATE_KIND_RUNS);
        /* Only before COMMIT is there a way back. */
        assert_true(!domm_steps[step].undo ||
                    domm_migration_states[domm_steps[step].state].revocable);
    }
}

static void check_answer(const struct domm_machine *before, const struct domm_machine *after,
                         const struct domm_machine_answer *answer)
{
    assert_true(after->state < DOMM_MIGRATION_STATES);
    assert_int_equal(domm_migration_state_is_source(before->state),
                     domm_migration_state_is_source(after->state));
    assert_true(answer->n <= DOMM_MAX_ACTIONS);
    if (answer->ignored && before->state == after->state && before->busy == after->busy)
        assert_true(answer->n <= 1); /* at most a step that was due */
    for (unsigned int i = 0; i < answer->n; i++)
        assert_true(answer->actions[i].guest <= after->setup.n_targets);
}

/* In states made up out of nothing, with any progress, whether it can come to them or not. */
static void every_event_has_an_answer_in_every_state(void **state)
{
    (void)state;
    size_t n = 0;
    struct domm_machine_answer answer;
    for (enum domm_migration_state in = 0; in < DOMM_MIGRATION_STATES; in++)
        for (unsigned int progress = 0; progress < 30; progress++)
            for (unsigned int flags = 0; flags < 64; flags++)
                for (unsigned int e = 0; e < (unsigned int)DOMM_EVENTS + 40; e++) {
                    struct domm_machine before =
                        begin(domm_migration_state_is_source(in), 2, &answer);
                    before.state = in;
                    before.next = before.begun = progress;
                    before.busy = flags & 1 ? progress : 0;
                    before.undoing = flags >> 1 & 1;
                    before.cancelled = flags >> 2 & 1;
                    before.damaged = flags >> 3 & 1;
                    before.all_stopped = flags >> 4 & 1;
                    before.converged = flags >> 5 & 1 ? 7 : 0;
                    struct domm_machine after = before;
                    struct domm_event event = {.type = (enum domm_event_type)e,
                                               .step = (enum domm_step)progress,
                                               .guest = e % 5 ? e % 5 - 1 : UINT32_MAX};
                    if (e >= DOMM_EVENTS) {
                        event.type = DOMM_EVENT_MESSAGE;
                        event.message = (enum domm_message_type)(e - DOMM_EVENTS);
                    }
                    domm_machine_handle(&after, &event, &answer);
                    check_answer(&before, &after, &answer);
                    n++;
                }
    print_message("# %zu events answered\n", n);
}

/* Writes down what an answer says and takes each step to its end. */
static void play(struct domm_machine *machine, struct domm_machine_answer answer, char *log,
                 size_t size)
{
    static const char *const verbs[] = {"", "undo ", "cancel "};
    for (bool again = true; again;) {
        again = false;
        struct domm_event done = {.type = DOMM_EVENT_STEP_DONE};
        for (unsigned int i = 0; i < answer.n; i++) {
            const struct domm_action *action = &answer.actions[i];
            size_t used = strlen(log);
            if (action->type == DOMM_ACTION_SEND)
                snprintf(log + used, size - used, "say %d; ", action->message);
            else if (action->type == DOMM_ACTION_REPORT)
                snprintf(log + used, size - used, "report %s",
                         domm_migration_states[machine->state].name);
            else
                snprintf(log + used, size - used, "%s%s %u; ", verbs[action->type],
                         domm_steps[action->step].name, action->guest);
            again |= action->type == DOMM_ACTION_RUN || action->type == DOMM_ACTION_UNDO;
            if (again)
                done.step = action->step, done.guest = action->guest;
        }
        if (again)
            domm_machine_handle(machine, &done, &answer);
    }
}

static void the_order_at_the_source(void **state)
{
    (void)state;
    char log[2000] = "";
    struct domm_machine_answer answer;
    struct domm_machine m = begin(true, 2, &answer);
    play(&m, answer, log, sizeof(log));
    play(&m, get(&m, DOMM_MESSAGE_HELLO), log, sizeof(log));
    play(&m, get(&m, DOMM_MESSAGE_ACCEPT), log, sizeof(log));
    for (unsigned int g = 0; g < 3; g++) {
        assert_int_equal(m.state, DOMM_SRC_COPYING);
        domm_machine_handle(&m, &(struct domm_event){.type = DOMM_EVENT_CONVERGED, .guest = g},
                            &answer);
        play(&m, answer, log, sizeof(log));
    }
    play(&m, get(&m, DOMM_MESSAGE_PREPARED), log, sizeof(log));
    play(&m, get(&m, DOMM_MESSAGE_COMMITTED), log, sizeof(log));
    play(&m, get(&m, DOMM_MESSAGE_FINISHED), log, sizeof(log));
    assert_string_equal(
        log, "check 0; lock 0; say 1; say 2; copy 0; copy 1; copy 2; stop 1; stop 2; drain 0; "
             "stop-domm 0; detach 0; finish 0; finish 1; finish 2; send-state 0; "
             "rename-away 0; rename-away 1; rename-away 2; say 4; decide 0; say 6; "
             "destroy 0; destroy 1; destroy 2; report moved");
}

static void the_order_at_the_destination(void **state)
{
    (void)state;
    char log[2000] = "";
    struct domm_machine_answer answer;
    struct domm_machine m = begin(false, 2, &answer);
    assert_int_equal(answer.n, 0);
    play(&m, get(&m, DOMM_MESSAGE_HELLO), log, sizeof(log));
    play(&m, get(&m, DOMM_MESSAGE_OFFER), log, sizeof(log));
    play(&m, get(&m, DOMM_MESSAGE_PREPARE), log, sizeof(log));
    play(&m, get(&m, DOMM_MESSAGE_COMMIT), log, sizeof(log));
    play(&m, tell(&m, DOMM_EVENT_READY), log, sizeof(log));
    assert_string_equal(
        log, "say 1; admit 0; receive 0; receive 1; receive 2; say 3; restore 0; restore 1; "
             "restore 2; reattach 0; mirror 0; verify 0; say 5; rename-in 0; rename-in 1; "
             "rename-in 2; adopt 0; say 7; start-domm 0; release 1; release 2; settle 0; say 8; "
             "report moved");
}

/* The last moment at which the source takes everything back. */
static void the_order_of_the_rollback(void **state)
{
    (void)state;
    char log[2000] = "";
    struct domm_machine_answer answer;
    struct domm_machine m = begin(true, 2, &answer);
    play(&m, answer, log, sizeof(log));
    play(&m, get(&m, DOMM_MESSAGE_HELLO), log, sizeof(log));
    play(&m, get(&m, DOMM_MESSAGE_ACCEPT), log, sizeof(log));
    m.setup.force_busy = true;
    play(&m, tell(&m, DOMM_EVENT_LIMIT), log, sizeof(log));
    log[0] = '\0';
    play(&m, tell(&m, DOMM_EVENT_ABORT), log, sizeof(log));
    play(&m, get(&m, DOMM_MESSAGE_GONE), log, sizeof(log));
    assert_int_equal(m.state, DOMM_SRC_AWAITING_MONITOR);
    play(&m, tell(&m, DOMM_EVENT_READY), log, sizeof(log));
    assert_string_equal(log, "say 9; undo rename-away 2; undo rename-away 1; undo rename-away 0; "
                             "undo detach 0; undo stop-domm 0; undo stop 2; undo stop 1; "
                             "undo copy 2; undo copy 1; undo copy 0; undo lock 0; "
                             "report rolled back");
    assert_true(m.gone);
}

static struct domm_machine at(enum domm_migration_state in, enum domm_on_not_ready policy)
{
    struct domm_machine_answer answer;
    struct domm_machine m = begin(domm_migration_state_is_source(in), 1, &answer);
    m.state = in;
    m.busy = 0;
    m.setup.on_not_ready = policy;
    return m;
}

static void an_abort_is_refused_after_commit(void **state)
{
    (void)state;
    for (enum domm_migration_state in = 0; in < DOMM_MIGRATION_STATES; in++) {
        struct domm_machine m = at(in, DOMM_NOT_READY_HOLD);
        assert_true(tell(&m, DOMM_EVENT_ABORT).ignored || domm_migration_states[in].revocable);
    }
    struct domm_machine m = at(DOMM_DST_ADOPTING, DOMM_NOT_READY_HOLD);
    assert_true(tell(&m, DOMM_EVENT_ABORT).ignored);
    m = at(DOMM_SRC_COMMITTING, DOMM_NOT_READY_HOLD);
    assert_true(tell(&m, DOMM_EVENT_ABORT).ignored);
    assert_int_equal(m.state, DOMM_SRC_COMMITTING);
}

static void leads(enum domm_migration_state from, enum domm_migration_cause cause,
                  enum domm_migration_state to)
{
    if (domm_migration_next_state(from, cause) != to)
        fail_msg("cause %d in \"%s\"", (int)cause, domm_migration_states[from].name);
}

static void leads_out(enum domm_migration_state in, enum domm_event_type type)
{
    struct domm_machine m = at(in, DOMM_NOT_READY_HOLD);
    if (tell(&m, type).ignored || m.state == in)
        fail_msg("event %d changes nothing in \"%s\"", (int)type, domm_migration_states[in].name);
}

static void trouble_leads_out_of_every_state(void **state)
{
    (void)state;
    for (enum domm_migration_state in = 0; in < DOMM_MIGRATION_STATES; in++) {
        if (domm_migration_states[in].kind != DOMM_STATE_KIND_HALTS)
            leads_out(in, DOMM_EVENT_TIMEOUT);
        if (!domm_migration_states[in].revocable)
            continue;
        leads_out(in, DOMM_EVENT_FAILED);
        if (in == DOMM_DST_ADOPTING) /* has what it needs */
            continue;
        leads_out(in, DOMM_EVENT_ABORT);
        leads_out(in, DOMM_EVENT_LOST);
        if (!domm_migration_state_is_source(in))
            leads(in, (enum domm_migration_cause)DOMM_MESSAGE_ABORT, DOMM_DST_UNDOING);
        else if (in != DOMM_SRC_CHECKING)
            leads(in, (enum domm_migration_cause)DOMM_MESSAGE_GONE, DOMM_SRC_UNDOING);
        if (!domm_migration_state_is_source(in) && in != DOMM_DST_PREPARED)
            leads(in, (enum domm_migration_cause)DOMM_MESSAGE_COMMIT, DOMM_DST_UNDOING);
    }
    leads(DOMM_SRC_COMMITTING, DOMM_CAUSE_FAILED, DOMM_SRC_UNKNOWN);
    leads(DOMM_SRC_COMMITTING, (enum domm_migration_cause)DOMM_MESSAGE_COMMITTED,
          DOMM_SRC_AWAITING_RESULT);
    leads(DOMM_SRC_UNKNOWN, (enum domm_migration_cause)DOMM_MESSAGE_COMMITTED,
          DOMM_SRC_AWAITING_RESULT);
    leads(DOMM_SRC_UNKNOWN, (enum domm_migration_cause)DOMM_MESSAGE_GONE, DOMM_SRC_UNDOING);
    leads(DOMM_SRC_UNCONFIRMED, (enum domm_migration_cause)DOMM_MESSAGE_FINISHED,
          DOMM_SRC_CLEARING);
    leads(DOMM_SRC_AWAITING_RESULT, DOMM_CAUSE_LOST, DOMM_SRC_UNCONFIRMED);
    leads(DOMM_SRC_AWAITING_RESULT, DOMM_CAUSE_FAILED, DOMM_SRC_UNCONFIRMED);
    leads(DOMM_SRC_ABORTING, DOMM_CAUSE_LOST, DOMM_SRC_UNDOING);
    leads(DOMM_SRC_REPLACING, DOMM_CAUSE_FAILED, DOMM_SRC_HELD);
    leads(DOMM_DST_RENEWING, DOMM_CAUSE_FAILED, DOMM_DST_HELD);
}

static void silence_after_commit_changes_nothing_at_the_source(void **state)
{
    (void)state;
    struct domm_machine m = at(DOMM_SRC_COMMITTING, DOMM_NOT_READY_HOLD);
    struct domm_machine_answer answer = tell(&m, DOMM_EVENT_LOST);
    assert_int_equal(m.state, DOMM_SRC_UNKNOWN);
    assert_int_equal(answer.n, 1);
    assert_int_equal(answer.actions[0].type, DOMM_ACTION_REPORT);
    for (enum domm_event_type e = 0; e < DOMM_EVENTS; e++) {
        assert_int_equal(tell(&m, e).n, 0);
        assert_int_equal(m.state, DOMM_SRC_UNKNOWN);
    }
}

static void a_monitor_that_is_not_ready_meets_the_policy(void **state)
{
    (void)state;
    struct domm_machine m = at(DOMM_DST_AWAITING_MONITOR, DOMM_NOT_READY_HOLD);
    tell(&m, DOMM_EVENT_TIMEOUT);
    assert_int_equal(m.state, DOMM_DST_HELD);
    tell(&m, DOMM_EVENT_FORCE);
    assert_int_equal(m.state, DOMM_DST_RELEASING);
    assert_true(m.unmonitored);

    m = at(DOMM_DST_AWAITING_MONITOR, DOMM_NOT_READY_FORCE);
    tell(&m, DOMM_EVENT_READY);
    assert_false(m.unmonitored);
    m = at(DOMM_DST_AWAITING_MONITOR, DOMM_NOT_READY_FORCE);
    tell(&m, DOMM_EVENT_NOT_READY);
    assert_int_equal(m.state, DOMM_DST_RELEASING);
    assert_true(m.unmonitored);

    m = at(DOMM_DST_AWAITING_MONITOR, DOMM_NOT_READY_RESTART);
    struct domm_machine_answer answer = tell(&m, DOMM_EVENT_NOT_READY);
    assert_int_equal(m.state, DOMM_DST_RENEWING);
    char log[200] = "";
    play(&m, answer, log, sizeof(log));
    assert_string_equal(log, "renew 0; ");
    assert_int_equal(m.state, DOMM_DST_AWAITING_MONITOR);
    tell(&m, DOMM_EVENT_NOT_READY); /* once is enough */
    assert_int_equal(m.state, DOMM_DST_HELD);
}

static void the_limit_gives_up_or_forces(void **state)
{
    (void)state;
    for (int force = 0; force < 2; force++) {
        char log[2000] = "";
        struct domm_machine_answer answer;
        struct domm_machine m = begin(true, DOMM_RECORD_MAX_TARGETS, &answer);
        m.setup.force_busy = force;
        play(&m, answer, log, sizeof(log));
        play(&m, get(&m, DOMM_MESSAGE_HELLO), log, sizeof(log));
        assert_false(get(&m, DOMM_MESSAGE_ACCEPT).ignored);
        assert_int_equal(m.busy, m.next); /* the limit may come while the savers start */
        assert_false(tell(&m, DOMM_EVENT_LIMIT).ignored);
        assert_int_equal(m.state, force ? DOMM_SRC_COPYING : DOMM_SRC_ABORTING);
    }
}

/* Who writes a lot once more after it waits for nobody. */
static void forced_guests_are_not_waited_for(void **state)
{
    (void)state;
    char log[2000] = "";
    struct domm_machine_answer answer, copying;
    struct domm_machine m = begin(true, 1, &answer);
    m.setup.force_busy = true;
    play(&m, answer, log, sizeof(log));
    play(&m, get(&m, DOMM_MESSAGE_HELLO), log, sizeof(log));
    copying = get(&m, DOMM_MESSAGE_ACCEPT);
    assert_false(tell(&m, DOMM_EVENT_LIMIT).ignored);
    assert_false(tell(&m, DOMM_EVENT_DIVERGED).ignored);
    play(&m, copying, log, sizeof(log));
    assert_int_equal(m.state, DOMM_SRC_PREPARING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(transitions_stay_at_their_end),
        cmocka_unit_test(steps_have_a_state_of_their_end),
        cmocka_unit_test(every_event_has_an_answer_in_every_state),
        cmocka_unit_test(the_order_at_the_source),
        cmocka_unit_test(the_order_at_the_destination),
        cmocka_unit_test(the_order_of_the_rollback),
        cmocka_unit_test(an_abort_is_refused_after_commit),
        cmocka_unit_test(trouble_leads_out_of_every_state),
        cmocka_unit_test(silence_after_commit_changes_nothing_at_the_source),
        cmocka_unit_test(a_monitor_that_is_not_ready_meets_the_policy),
        cmocka_unit_test(the_limit_gives_up_or_forces),
        cmocka_unit_test(forced_guests_are_not_waited_for),
    };
    return cmocka_run_group_tests_name("machine", tests, NULL, NULL);
}
