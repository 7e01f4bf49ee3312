/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lib/migrate/fsm/state.h"

#include <stddef.h>
#include <stdint.h>

#define RUNS DOMM_STATE_KIND_RUNS
#define UNDOES DOMM_STATE_KIND_UNDOES
#define WAITS DOMM_STATE_KIND_WAITS
#define HALTS DOMM_STATE_KIND_HALTS
#define SAYS(message) .says = DOMM_MESSAGE_##message
#define JOURNALED(word) .journaled = word
#define OWNS .owns = true
#define REVOCABLE .revocable = true

const struct domm_migration_state_info domm_migration_states[DOMM_MIGRATION_STATES] = {
    [DOMM_SRC_CHECKING] = {"checking", RUNS, OWNS, REVOCABLE},
    [DOMM_SRC_GREETING] = {"greeting", WAITS, SAYS(HELLO), OWNS, REVOCABLE},
    [DOMM_SRC_OFFERING] = {"offering", WAITS, SAYS(OFFER), OWNS, REVOCABLE},
    [DOMM_SRC_COPYING] = {"copying", RUNS, OWNS, REVOCABLE},
    [DOMM_SRC_STOPPING] = {"stopping", RUNS, OWNS, REVOCABLE},
    [DOMM_SRC_PREPARING] = {"preparing", WAITS, JOURNALED("handing over"), SAYS(PREPARE), OWNS,
                            REVOCABLE},
    [DOMM_SRC_DECIDING] = {"deciding", RUNS, OWNS, REVOCABLE},
    [DOMM_SRC_COMMITTING] = {"committing", WAITS, SAYS(COMMIT)},
    [DOMM_SRC_UNKNOWN] = {"outcome unknown", HALTS},
    [DOMM_SRC_AWAITING_RESULT] = {"awaiting result", WAITS, JOURNALED("watching")},
    [DOMM_SRC_UNCONFIRMED] = {"moved, unconfirmed", HALTS},
    [DOMM_SRC_CLEARING] = {"clearing", RUNS},
    [DOMM_SRC_MOVED] = {"moved", HALTS},
    [DOMM_SRC_ABORTING] = {"aborting", WAITS, SAYS(ABORT), OWNS},
    [DOMM_SRC_UNDOING] = {"undoing", UNDOES, OWNS},
    [DOMM_SRC_AWAITING_MONITOR] = {"awaiting monitor", WAITS, JOURNALED("awaiting domM"), OWNS},
    [DOMM_SRC_REPLACING] = {"replacing monitor", RUNS, JOURNALED("replacing domM"), OWNS},
    [DOMM_SRC_RELEASING] = {"releasing", UNDOES, OWNS},
    [DOMM_SRC_HELD] = {"held", HALTS, OWNS},
    [DOMM_SRC_ROLLED_BACK] = {"rolled back", HALTS, OWNS},
    [DOMM_SRC_STUCK] = {"rolled back in part", HALTS, OWNS},
    [DOMM_DST_LISTENING] = {"listening", WAITS, REVOCABLE},
    [DOMM_DST_GREETED] = {"greeted", WAITS, SAYS(HELLO), REVOCABLE},
    [DOMM_DST_ADMITTING] = {"admitting", RUNS, REVOCABLE},
    [DOMM_DST_RECEIVING] = {"receiving", WAITS, SAYS(ACCEPT), REVOCABLE},
    [DOMM_DST_PREPARING] = {"preparing", RUNS, REVOCABLE},
    [DOMM_DST_PREPARED] = {"prepared", WAITS, SAYS(PREPARED), REVOCABLE},
    [DOMM_DST_ADOPTING] = {"adopting", RUNS, REVOCABLE},
    [DOMM_DST_STARTING] = {"starting monitor", RUNS, JOURNALED("starting domM"), SAYS(COMMITTED),
                           OWNS},
    [DOMM_DST_AWAITING_MONITOR] = {"awaiting monitor", WAITS, JOURNALED("awaiting domM"), OWNS},
    [DOMM_DST_RENEWING] = {"renewing monitor", RUNS, JOURNALED("renewing domM"), OWNS},
    [DOMM_DST_RELEASING] = {"releasing", RUNS, OWNS},
    [DOMM_DST_HELD] = {"held", HALTS, SAYS(FINISHED), OWNS},
    [DOMM_DST_MOVED] = {"moved", HALTS, SAYS(FINISHED), OWNS},
    [DOMM_DST_IMPAIRED] = {"moved, impaired", HALTS, SAYS(FINISHED), OWNS},
    [DOMM_DST_UNDOING] = {"undoing", UNDOES},
    [DOMM_DST_GONE] = {"gone", HALTS, SAYS(GONE)},
    [DOMM_DST_STUCK] = {"gone in part", HALTS},
};

/* Sets of states and of causes. */
#define SRC(state) (UINT64_C(1) << DOMM_SRC_##state)
#define DST(state) (UINT64_C(1) << DOMM_DST_##state)
#define ON(cause) (UINT64_C(1) << DOMM_CAUSE_##cause)
#define GOT(message) (UINT64_C(1) << DOMM_MESSAGE_##message)

_Static_assert(DOMM_MIGRATION_STATES < 64 && DOMM_CAUSES < 64, "states and causes fit into a set");

/* Before COMMIT: with the peer, … */
#define SRC_JOINED                                                                                 \
    (SRC(GREETING) | SRC(OFFERING) | SRC(COPYING) | SRC(STOPPING) | SRC(PREPARING) | SRC(DECIDING))
/* … and as long as the destination has not been given the guests. */
#define DST_WAITING                                                                                \
    (DST(LISTENING) | DST(GREETED) | DST(ADMITTING) | DST(RECEIVING) | DST(PREPARING) |            \
     DST(PREPARED))

struct transition {
    uint64_t from, on;
    enum domm_migration_state to;
};

/* Causes without a row are ignored: a message that arrives twice or late, a signal too late. */
static const struct transition transitions[] = {
    /* Source: forward, */
    {SRC(CHECKING), ON(DONE), DOMM_SRC_GREETING},
    {SRC(GREETING), GOT(HELLO), DOMM_SRC_OFFERING},
    {SRC(OFFERING), GOT(ACCEPT), DOMM_SRC_COPYING},
    {SRC(COPYING), ON(CONVERGED), DOMM_SRC_STOPPING},
    {SRC(STOPPING), ON(DONE), DOMM_SRC_PREPARING},
    {SRC(PREPARING), GOT(PREPARED), DOMM_SRC_DECIDING},
    {SRC(DECIDING), ON(DONE), DOMM_SRC_COMMITTING},
    /* beyond the point of no return, where only the destination's word counts, */
    {SRC(COMMITTING), ON(TIMEOUT) | ON(LOST) | ON(FAILED), DOMM_SRC_UNKNOWN},
    {SRC(COMMITTING) | SRC(UNKNOWN), GOT(COMMITTED), DOMM_SRC_AWAITING_RESULT},
    {SRC(COMMITTING) | SRC(UNKNOWN), GOT(GONE), DOMM_SRC_UNDOING},
    {SRC(AWAITING_RESULT), ON(TIMEOUT) | ON(LOST) | ON(FAILED), DOMM_SRC_UNCONFIRMED},
    {SRC(COMMITTING) | SRC(UNKNOWN) | SRC(AWAITING_RESULT) | SRC(UNCONFIRMED), GOT(FINISHED),
     DOMM_SRC_CLEARING},
    {SRC(CLEARING), ON(DONE) | ON(DAMAGED) | ON(TIMEOUT), DOMM_SRC_MOVED},
    /* and back. */
    {SRC(CHECKING), ON(FAILED) | ON(TIMEOUT) | ON(ABORT) | ON(LOST), DOMM_SRC_UNDOING},
    {SRC_JOINED, ON(FAILED) | ON(TIMEOUT) | ON(ABORT), DOMM_SRC_ABORTING},
    {SRC_JOINED, ON(LOST) | GOT(GONE), DOMM_SRC_UNDOING},
    {SRC(ABORTING), GOT(GONE) | ON(LOST) | ON(TIMEOUT), DOMM_SRC_UNDOING},
    {SRC(UNDOING), ON(DONE), DOMM_SRC_ROLLED_BACK},
    {SRC(UNDOING), ON(MONITOR_BACK), DOMM_SRC_AWAITING_MONITOR},
    {SRC(AWAITING_MONITOR) | SRC(HELD), ON(READY) | ON(FORCE), DOMM_SRC_RELEASING},
    {SRC(AWAITING_MONITOR) | SRC(HELD), ON(RESTART), DOMM_SRC_REPLACING},
    {SRC(AWAITING_MONITOR), ON(HOLD), DOMM_SRC_HELD},
    {SRC(REPLACING), ON(DONE), DOMM_SRC_AWAITING_MONITOR},
    {SRC(REPLACING), ON(FAILED) | ON(TIMEOUT), DOMM_SRC_HELD},
    {SRC(RELEASING), ON(DONE), DOMM_SRC_ROLLED_BACK},
    {SRC(UNDOING) | SRC(RELEASING), ON(DAMAGED) | ON(TIMEOUT), DOMM_SRC_STUCK},
    /* Destination: forward, */
    {DST(LISTENING), GOT(HELLO), DOMM_DST_GREETED},
    {DST(GREETED), GOT(OFFER), DOMM_DST_ADMITTING},
    {DST(ADMITTING), ON(DONE), DOMM_DST_RECEIVING},
    {DST(RECEIVING), GOT(PREPARE), DOMM_DST_PREPARING},
    {DST(PREPARING), ON(DONE), DOMM_DST_PREPARED},
    {DST(PREPARED), GOT(COMMIT), DOMM_DST_ADOPTING},
    {DST(ADOPTING), ON(DONE), DOMM_DST_STARTING},
    /* beyond the point of no return, where the link no longer matters, */
    {DST(STARTING), ON(DONE), DOMM_DST_AWAITING_MONITOR},
    {DST(AWAITING_MONITOR) | DST(HELD), ON(READY), DOMM_DST_RELEASING},
    {DST(STARTING) | DST(AWAITING_MONITOR) | DST(HELD), ON(FORCE), DOMM_DST_RELEASING},
    {DST(STARTING) | DST(AWAITING_MONITOR) | DST(HELD), ON(RESTART), DOMM_DST_RENEWING},
    {DST(STARTING) | DST(AWAITING_MONITOR), ON(HOLD), DOMM_DST_HELD},
    {DST(RENEWING), ON(DONE), DOMM_DST_AWAITING_MONITOR},
    {DST(RENEWING), ON(FAILED) | ON(TIMEOUT), DOMM_DST_HELD},
    {DST(RELEASING), ON(DONE), DOMM_DST_MOVED},
    {DST(RELEASING), ON(DAMAGED) | ON(TIMEOUT), DOMM_DST_IMPAIRED},
    /* and back; a COMMIT before PREPARED was sent is no COMMIT. */
    {DST_WAITING, ON(FAILED) | ON(TIMEOUT) | ON(ABORT) | ON(LOST) | GOT(ABORT), DOMM_DST_UNDOING},
    {DST_WAITING & ~DST(PREPARED), GOT(COMMIT), DOMM_DST_UNDOING},
    {DST(ADOPTING), ON(FAILED) | ON(TIMEOUT), DOMM_DST_UNDOING},
    {DST(UNDOING), ON(DONE), DOMM_DST_GONE},
    {DST(UNDOING), ON(DAMAGED) | ON(TIMEOUT), DOMM_DST_STUCK},
};

const char *domm_migration_state_word(enum domm_migration_state state)
{
    const struct domm_migration_state_info *info = &domm_migration_states[state];
    return info->journaled ? info->journaled : info->name;
}

enum domm_migration_state domm_migration_next_state(enum domm_migration_state from,
                                                    enum domm_migration_cause cause)
{
    for (size_t i = 0; i < sizeof(transitions) / sizeof(*transitions); i++) {
        const struct transition *row = &transitions[i];
        if (row->from >> from & 1 && row->on >> cause & 1)
            return row->to;
    }
    return DOMM_MIGRATION_STATES;
}
