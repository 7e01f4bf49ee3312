/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/migrate/fsm/machine.h"

#include <assert.h>

/* A step of one guest. */
struct step_position {
    enum domm_step step;
    unsigned int guest;
};

static unsigned int copies(const struct domm_machine *m, enum domm_step step)
{
    switch (domm_steps[step].scope) {
    case DOMM_ONCE:
        return 1;
    case DOMM_EACH:
        return m->setup.n_targets + 1;
    case DOMM_TARGETS:
        return m->setup.n_targets;
    }
    return 0;
}

static enum domm_step first_step(const struct domm_machine *m)
{
    return m->setup.source ? DOMM_STEP_CHECK : DOMM_STEP_ADMIT;
}

static enum domm_step end_step(const struct domm_machine *m)
{
    return m->setup.source ? DOMM_STEP_ADMIT : DOMM_STEPS;
}

/* The task at a position of this end's order; false behind the last. */
static bool position_at(const struct domm_machine *m, unsigned int at,
                        struct step_position *place_r)
{
    for (enum domm_step step = first_step(m); step < end_step(m); step++) {
        if (at < copies(m, step)) {
            bool targets = domm_steps[step].scope == DOMM_TARGETS;
            *place_r = (struct step_position){.step = step, .guest = targets ? at + 1 : at};
            return true;
        }
        at -= copies(m, step);
    }
    return false;
}

/* The position of the first step that runs in this state. */
static unsigned int first_position(const struct domm_machine *m, enum domm_migration_state state)
{
    unsigned int at = 0;
    for (enum domm_step step = first_step(m); step < end_step(m); step++) {
        if (domm_steps[step].state == state)
            break;
        at += copies(m, step);
    }
    return at;
}

static void machine_add(struct domm_machine_answer *answer, struct domm_action action)
{
    assert(answer->n < DOMM_MAX_ACTIONS);
    answer->actions[answer->n++] = action;
}

static void add_step(struct domm_machine_answer *answer, enum domm_action_type type,
                     struct step_position position)
{
    machine_add(answer,
                (struct domm_action){.type = type, .step = position.step, .guest = position.guest});
}

/* The step under way must end before anything else begins; its result no longer counts. */
static void cancel(struct domm_machine *m, struct domm_machine_answer *answer)
{
    struct step_position position;
    if (!m->busy || m->cancelled || !position_at(m, m->busy - 1, &position))
        return;
    m->cancelled = true;
    add_step(answer, DOMM_ACTION_CANCEL, position);
}

/* With several guests to undo, release or destroy, the failure of one does not stop the others. */
static bool goes_on_after_failure(enum domm_migration_state state)
{
    return domm_migration_states[state].kind == DOMM_STATE_KIND_UNDOES ||
           state == DOMM_SRC_CLEARING || state == DOMM_DST_RELEASING;
}

/* The one place where the state changes. */
static bool machine_enter(struct domm_machine *m, enum domm_migration_cause cause,
                          struct domm_machine_answer *answer)
{
    enum domm_migration_state to = domm_migration_next_state(m->state, cause);
    if (to == DOMM_MIGRATION_STATES)
        return false;
    m->damaged |= cause == DOMM_CAUSE_TIMEOUT && goes_on_after_failure(m->state);
    cancel(m, answer);
    const struct domm_migration_state_info *info = &domm_migration_states[to];
    m->state = to;
    m->unmonitored |= cause == DOMM_CAUSE_FORCE;
    m->restarted |= cause == DOMM_CAUSE_RESTART;
    m->gone |= cause == (enum domm_migration_cause)DOMM_MESSAGE_GONE;
    if (info->kind == DOMM_STATE_KIND_RUNS)
        m->next = first_position(m, to);
    if (info->says)
        machine_add(answer, (struct domm_action){.type = DOMM_ACTION_SEND, .message = info->says});
    if (info->kind == DOMM_STATE_KIND_HALTS)
        machine_add(answer, (struct domm_action){.type = DOMM_ACTION_REPORT});
    return true;
}

static uint64_t everybody(const struct domm_machine *m)
{
    return (UINT64_C(2) << m->setup.n_targets) - 1;
}

static enum domm_migration_cause run_next(struct domm_machine *m,
                                          struct domm_machine_answer *answer)
{
    struct step_position position;
    if (position_at(m, m->next, &position) && domm_steps[position.step].state == m->state) {
        m->busy = ++m->next;
        if (domm_migration_states[m->state].revocable)
            m->begun = m->next;
        m->all_stopped |= position.step == DOMM_STEP_STOP_MONITOR;
        add_step(answer, DOMM_ACTION_RUN, position);
        return DOMM_CAUSE_NONE;
    }
    if (m->state != DOMM_SRC_COPYING)
        return m->damaged && goes_on_after_failure(m->state) ? DOMM_CAUSE_DAMAGED : DOMM_CAUSE_DONE;
    return m->converged == everybody(m) ? DOMM_CAUSE_CONVERGED : DOMM_CAUSE_NONE;
}

/* Goes back to the last step that has an undo, but not past the monitor before it is ready. */
static enum domm_migration_cause undo_next(struct domm_machine *m,
                                           struct domm_machine_answer *answer)
{
    struct step_position position;
    while (m->begun && position_at(m, m->begun - 1, &position)) {
        if (position.step == DOMM_STEP_STOP && m->state == DOMM_SRC_UNDOING)
            return DOMM_CAUSE_MONITOR_BACK;
        if (domm_steps[position.step].undo) {
            m->busy = m->begun--;
            m->undoing = true;
            add_step(answer, DOMM_ACTION_UNDO, position);
            return DOMM_CAUSE_NONE;
        }
        m->begun--;
    }
    return m->damaged ? DOMM_CAUSE_DAMAGED : DOMM_CAUSE_DONE;
}

/* Continues until an action is needed. */
static void machine_advance(struct domm_machine *m, struct domm_machine_answer *answer)
{
    enum domm_migration_cause cause;
    do {
        if (m->busy)
            return;
        switch (domm_migration_states[m->state].kind) {
        case DOMM_STATE_KIND_RUNS:
            cause = run_next(m, answer);
            break;
        case DOMM_STATE_KIND_UNDOES:
            cause = undo_next(m, answer);
            break;
        default:
            return;
        }
    } while (cause != DOMM_CAUSE_NONE && machine_enter(m, cause, answer));
}

/* While a target runs, keep a monitor that may still become ready. */
static bool may_restart(const struct domm_machine *m)
{
    return !m->setup.source || m->all_stopped;
}

static enum domm_migration_cause not_ready(const struct domm_machine *m)
{
    if (m->setup.on_not_ready == DOMM_NOT_READY_FORCE)
        return DOMM_CAUSE_FORCE;
    if (m->setup.on_not_ready == DOMM_NOT_READY_RESTART && !m->restarted && may_restart(m))
        return DOMM_CAUSE_RESTART;
    return DOMM_CAUSE_HOLD;
}

/* In these states every failure means that the monitor is not ready. */
static bool domm_is_due(enum domm_migration_state state)
{
    return state == DOMM_SRC_AWAITING_MONITOR || state == DOMM_DST_STARTING ||
           state == DOMM_DST_AWAITING_MONITOR;
}

static enum domm_migration_cause step_ended(struct domm_machine *m, const struct domm_event *event,
                                            bool *noted_r)
{
    struct step_position position;
    if (!m->busy || !position_at(m, m->busy - 1, &position) || position.step != event->step ||
        position.guest != event->guest)
        return DOMM_CAUSE_NONE;
    *noted_r = true;
    bool failed = event->type == DOMM_EVENT_STEP_FAILED && !m->cancelled;
    enum domm_migration_cause cause = DOMM_CAUSE_NONE;
    if (failed && goes_on_after_failure(m->state))
        m->damaged = true;
    else if (failed)
        cause = domm_is_due(m->state) ? not_ready(m) : DOMM_CAUSE_FAILED;
    m->busy = 0;
    m->undoing = m->cancelled = false;
    return cause;
}

static bool note_convergence(struct domm_machine *m, const struct domm_event *event)
{
    if (m->state != DOMM_SRC_COPYING || event->guest > m->setup.n_targets)
        return false;
    uint64_t bit = UINT64_C(1) << event->guest;
    if (event->type == DOMM_EVENT_CONVERGED || m->limited)
        m->converged |= bit;
    else
        m->converged &= ~bit;
    return true;
}

static enum domm_migration_cause limit_reached(struct domm_machine *m, bool *noted_r)
{
    if (m->state != DOMM_SRC_COPYING)
        return DOMM_CAUSE_NONE;
    if (!m->setup.force_busy)
        return DOMM_CAUSE_FAILED;
    *noted_r = true;
    m->limited = true;
    m->converged = everybody(m);
    return DOMM_CAUSE_NONE;
}

/* The cause that an event stands for in this state; *noted_r is set if it has changed something
 * without being a cause. */
static enum domm_migration_cause cause_of(struct domm_machine *m, const struct domm_event *event,
                                          bool *noted_r)
{
    switch (event->type) {
    case DOMM_EVENT_STEP_DONE:
    case DOMM_EVENT_STEP_FAILED:
        return step_ended(m, event, noted_r);
    case DOMM_EVENT_MESSAGE:
        return event->message < DOMM_MACHINE_MESSAGES ? (enum domm_migration_cause)event->message
                                                      : DOMM_CAUSE_NONE;
    case DOMM_EVENT_CONVERGED:
    case DOMM_EVENT_DIVERGED:
        *noted_r = note_convergence(m, event);
        return DOMM_CAUSE_NONE;
    case DOMM_EVENT_LIMIT:
        return limit_reached(m, noted_r);
    case DOMM_EVENT_FAILED:
        return domm_is_due(m->state) ? not_ready(m) : DOMM_CAUSE_FAILED;
    case DOMM_EVENT_TIMEOUT:
        return domm_is_due(m->state) ? not_ready(m) : DOMM_CAUSE_TIMEOUT;
    case DOMM_EVENT_NOT_READY:
        return domm_is_due(m->state) ? not_ready(m) : DOMM_CAUSE_NONE;
    case DOMM_EVENT_LOST:
        return DOMM_CAUSE_LOST;
    case DOMM_EVENT_ABORT:
        return DOMM_CAUSE_ABORT;
    case DOMM_EVENT_READY:
        /* The readiness of a monitor that is being replaced does not count for the next one. */
        return m->busy ? DOMM_CAUSE_NONE : DOMM_CAUSE_READY;
    case DOMM_EVENT_RESTART:
        return may_restart(m) ? DOMM_CAUSE_RESTART : DOMM_CAUSE_NONE;
    case DOMM_EVENT_FORCE:
        return DOMM_CAUSE_FORCE;
    case DOMM_EVENTS:
        break;
    }
    return DOMM_CAUSE_NONE;
}

void domm_machine_begin(struct domm_machine *machine_r, const struct domm_migration_setup *setup,
                        struct domm_machine_answer *answer_r)
{
    assert(setup->n_targets >= 1 && setup->n_targets <= DOMM_RECORD_MAX_TARGETS);
    *machine_r = (struct domm_machine){
        .setup = *setup,
        .state = setup->source ? DOMM_SRC_CHECKING : DOMM_DST_LISTENING,
    };
    *answer_r = (struct domm_machine_answer){0};
    machine_advance(machine_r, answer_r);
}

void domm_machine_learn(struct domm_machine *machine, unsigned int n_targets,
                        enum domm_on_not_ready on_not_ready)
{
    assert(!machine->setup.source && !machine->next && !machine->begun && !machine->busy);
    assert(n_targets >= 1 && n_targets <= DOMM_RECORD_MAX_TARGETS);
    machine->setup.n_targets = n_targets;
    machine->setup.on_not_ready = on_not_ready;
}

void domm_machine_handle(struct domm_machine *machine, const struct domm_event *event,
                         struct domm_machine_answer *answer_r)
{
    *answer_r = (struct domm_machine_answer){0};
    bool noted = false;
    enum domm_migration_cause cause = cause_of(machine, event, &noted);
    bool entered = cause != DOMM_CAUSE_NONE && machine_enter(machine, cause, answer_r);
    answer_r->ignored = !noted && !entered;
    machine_advance(machine, answer_r);
}

bool domm_machine_is_complete(const struct domm_machine *machine)
{
    enum domm_migration_state state = machine->state;
    return (state == DOMM_SRC_MOVED && !machine->damaged) || state == DOMM_SRC_ROLLED_BACK ||
           state == DOMM_DST_MOVED || state == DOMM_DST_GONE;
}
