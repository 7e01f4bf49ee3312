/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Migrations of one pair, a monitor and a target, between three hosts, with all that may go wrong:
 * a link that breaks with messages under way, processes that are killed, hosts that are reset, and
 * another migration begun at any time. Killed migrations are settled by recovery on each host.
 *
 * The model has no rules of its own: what follows in which state, and what recovery does, is asked
 * from the functions of lib/migrate/fsm/state.c and recovery.c, which the verifier is linked with.
 * What is modelled by hand are the steps, the journals, and what the world does.
 *
 * Properties, as assertions:
 *   - a guest never runs while another copy of it runs, nor after another copy has run since;
 *   - a target runs only while its monitor runs at the same host and is ready;
 *   - the last copy that is worth something is never destroyed;
 *   - when nothing is left to do, one copy runs, unless a host that had the only one was reset;
 *   - every run ends: there is no state without a way on but this one.
 *
 * OLD_RULE_1, 2, 7: rules that domm once had, each of which breaks a property.
 */
#include "names.h"

c_decl {
\#include "lib/migrate/fsm/recovery.h"
\#include "lib/migrate/fsm/state.h"
\#include "names-check.h"
};

#ifndef FAULTS
#define FAULTS 1
#endif
#ifndef MIGRATIONS
#define MIGRATIONS 2
#endif
#define HOSTS 3
#define NOBODY 255

#define ABSENT 0
#define STOPPED 1
#define RUNNING 2

/* Names that copies have. */
#define PROPER 0
#define INCOMING 1
#define AWAY 2

typedef Copy {
    byte target, monitor;
    bool ready;      /* the monitor */
    bool valid;      /* no other copy of the target has run since this one was made or ran */
    bool same;       /* the same of the monitor */
    bool taken;      /* the journal of this host says that it owns it */
    byte name;
    byte number      /* domids are not used twice */
};
Copy copies[HOSTS];
byte numbers;

typedef Migration {
    byte from, to;
    bool begun;      /* the source's journal is there */
    bool over;       /* it says so */
    byte owner;      /* of the guests, by the source's journal */
    byte number;     /* of the source's copy */
    bool to_begun, to_over, to_adopted, to_lost;
    bool alive, to_alive;
    bool killed, to_killed;
    bool broken      /* the link */
};
Migration migrations[MIGRATIONS];
byte begun;
chan forth0 = [4] of { byte };
chan back0 = [4] of { byte };
chan forth1 = [4] of { byte };
chan back1 = [4] of { byte };

bool excused;        /* the host that had the only copy was reset */
byte faults = FAULTS;

/* --- the guests --- */

#define other_is(h, what, state)                                                                   \
    (copies[(h + 1) % HOSTS].what == state || copies[(h + 2) % HOSTS].what == state)
#define worth(h) (copies[h].target != ABSENT && copies[h].valid)

inline run_monitor(h)
{
    d_step {
        assert(!other_is(h, monitor, RUNNING));
        assert(copies[h].monitor == RUNNING || copies[h].same);
        copies[h].monitor = RUNNING;
        copies[h].ready = true;
        copies[(h + 1) % HOSTS].same = false;
        copies[(h + 2) % HOSTS].same = false
    }
}

inline run_target(h)
{
    d_step {
        assert(copies[h].monitor == RUNNING && copies[h].ready);
        assert(!other_is(h, target, RUNNING));
        assert(copies[h].valid);
        copies[h].target = RUNNING;
        copies[(h + 1) % HOSTS].valid = false;
        copies[(h + 2) % HOSTS].valid = false
    }
}

/* A fresh monitor, which is none that ran before. */
inline renew_monitor(h)
{
    d_step { copies[h].same = true; copies[h].monitor = STOPPED; copies[h].ready = false }
}

inline destroy(h)
{
    d_step {
        assert(!worth(h) || excused || worth((h + 1) % HOSTS) || worth((h + 2) % HOSTS));
        copies[h].target = ABSENT;
        copies[h].monitor = ABSENT;
        copies[h].valid = false;
        copies[h].same = false;
        copies[h].ready = false;
        copies[h].taken = false;
        copies[h].name = PROPER;
        copies[h].number = 0
    }
}

/* The destination said that it has them, and was reset after that. */
inline excuse_a_reset()
{
    if
    :: migrations[m].to_adopted && !worth(migrations[m].to) -> excused = true
    :: else
    fi
}

/* --- a migration --- */

/* A process that holds the locks of the guests on that host. */
#define works(m, h)                                                                                \
    ((migrations[m].alive && migrations[m].from == h) ||                                           \
     (migrations[m].to_alive && migrations[m].to == h))
#define locked(h) (recovering[h] || works(0, h) || works(MIGRATIONS - 1, h))
bool recovering[HOSTS];
bool idle[HOSTS];    /* recovery has said what is unknown, and nothing has changed since */

inline wake()
{
    d_step { idle[0] = false; idle[1] = false; idle[2] = false }
}

#define SEND(pipe0, pipe1, message)                                                                \
    if                                                                                             \
    :: migrations[m].broken                                                                        \
    :: else ->                                                                                     \
        if                                                                                         \
        :: m == 0 -> pipe0 ! message                                                               \
        :: else -> pipe1 ! message                                                                 \
        fi                                                                                         \
    fi

/* Nobody reads any more: what is left behind makes no difference. */
#define DRAIN()                                                                                    \
    do                                                                                             \
    :: m == 0 && nempty(forth0) -> forth0 ? message                                                \
    :: m == 0 && nempty(back0) -> back0 ? message                                                  \
    :: m != 0 && nempty(forth1) -> forth1 ? message                                                \
    :: m != 0 && nempty(back1) -> back1 ? message                                                  \
    :: m == 0 && empty(forth0) && empty(back0) -> break                                            \
    :: m != 0 && empty(forth1) && empty(back1) -> break                                            \
    od

/* A message, or the end of the link; messages that were under way when it broke may arrive. */
#define RECEIVE(pipe0, pipe1)                                                                      \
    if                                                                                             \
    :: m == 0 && nempty(pipe0) -> pipe0 ? cause                                                    \
    :: m != 0 && nempty(pipe1) -> pipe1 ? cause                                                    \
    :: migrations[m].broken -> cause = DOMM_CAUSE_LOST                                             \
    fi

inline next_at_source()
{
    c_code {
        int next = domm_migration_next_state(PSource->state, PSource->cause);
        if (next != DOMM_MIGRATION_STATES)
            PSource->state = next;
        PSource->entered = next != DOMM_MIGRATION_STATES;
    }
}

inline source_says()
{
    c_code { PSource->message = domm_migration_states[PSource->state].says; };
    if
    :: entered && message != 0 -> SEND(forth0, forth1, message)
    :: else
    fi;
    entered = false;
    message = 0;
    cause = 0
}

inline source_runs(h)
{
    cause = DOMM_CAUSE_DONE;
    if
    :: state == DOMM_SRC_CHECKING ->
        if
        :: copies[h].target == RUNNING && copies[h].monitor == RUNNING && copies[h].name == PROPER ->
            /* All earlier journals are settled. */
            if
            :: m > 0 && migrations[0].from == h -> migrations[0].over = true
            :: else
            fi
        :: else -> cause = DOMM_CAUSE_FAILED
        fi
    :: state == DOMM_SRC_COPYING -> cause = DOMM_CAUSE_CONVERGED
    :: state == DOMM_SRC_DECIDING -> migrations[m].owner = DOMM_OWNER_UNKNOWN; decided = true
    :: state == DOMM_SRC_CLEARING ->
        excuse_a_reset(); destroy(h)
    :: state == DOMM_SRC_REPLACING -> renew_monitor(h); run_monitor(h)
    :: state == DOMM_SRC_RELEASING -> run_target(h)
    fi
}

inline source_undoes(h)
{
    cause = DOMM_CAUSE_DONE;
    if
    :: stopped ->
        copies[h].name = PROPER;
        run_monitor(h);
        cause = DOMM_CAUSE_MONITOR_BACK
    :: else
    fi
}

#define SOURCE_IS(kind_is) c_expr { domm_migration_states[PSource->state].kind == kind_is }

/* The journal says that the guests were taken over before the end waits for what became of them. */
#define awaits_word_of_result                                                                      \
    (state == DOMM_SRC_AWAITING_RESULT && migrations[m].owner != DOMM_OWNER_DESTINATION)

proctype Source(byte m; byte h)
{
    byte state = DOMM_SRC_CHECKING, cause, message;
    bool stopped, decided, entered, held;
    {
        do
        :: atomic { SOURCE_IS(DOMM_STATE_KIND_HALTS) && state != DOMM_SRC_HELD -> break }
        :: state == DOMM_SRC_STOPPING ->
            atomic { stopped = true; copies[h].target = STOPPED };
            d_step { copies[h].monitor = STOPPED; copies[h].ready = false };
            atomic { copies[h].name = AWAY; cause = DOMM_CAUSE_DONE; next_at_source(); source_says() }
        :: atomic { SOURCE_IS(DOMM_STATE_KIND_RUNS) && state != DOMM_SRC_STOPPING ->
            source_runs(h); next_at_source(); source_says() }
        :: atomic { SOURCE_IS(DOMM_STATE_KIND_UNDOES) && decided ->
            decided = false; migrations[m].owner = DOMM_OWNER_SOURCE }
        :: atomic { SOURCE_IS(DOMM_STATE_KIND_UNDOES) && !decided ->
            source_undoes(h); next_at_source(); source_says() }
        :: atomic { state == DOMM_SRC_AWAITING_MONITOR && !held ->
            if
            :: cause = DOMM_CAUSE_READY
            :: cause = DOMM_CAUSE_HOLD; held = true; copies[h].ready = false
            fi;
            next_at_source(); source_says() }
        :: atomic { state == DOMM_SRC_AWAITING_MONITOR && held ->
            cause = DOMM_CAUSE_READY; next_at_source(); source_says() }
        :: atomic { state == DOMM_SRC_HELD -> cause = DOMM_CAUSE_RESTART; next_at_source(); source_says() }
        :: atomic { awaits_word_of_result ->
            migrations[m].owner = DOMM_OWNER_DESTINATION }
        :: atomic { SOURCE_IS(DOMM_STATE_KIND_WAITS) && state != DOMM_SRC_AWAITING_MONITOR &&
                    !awaits_word_of_result ->
            RECEIVE(back0, back1);
            next_at_source(); source_says() }
        od;
        if
        :: state == DOMM_SRC_MOVED || state == DOMM_SRC_ROLLED_BACK -> migrations[m].over = true
        :: else
        fi
    } unless { migrations[m].killed };
    atomic {
        migrations[m].alive = false;
        migrations[m].killed = false;
        migrations[m].broken = true;
        wake();
        if
        :: !migrations[m].to_alive -> DRAIN()
        :: else
        fi
    }
}

inline next_at_destination()
{
    c_code {
        int next = domm_migration_next_state(PDestination->state, PDestination->cause);
        if (next != DOMM_MIGRATION_STATES)
            PDestination->state = next;
        PDestination->entered = next != DOMM_MIGRATION_STATES;
    }
}

inline destination_says()
{
    c_code { PDestination->message = domm_migration_states[PDestination->state].says; };
    if
    :: entered && message != 0 -> SEND(back0, back1, message)
    :: else
    fi;
    entered = false;
    message = 0;
    cause = 0
}

/* The guests' memory arrives while the state is RECEIVING, and is whole with PREPARE. */
inline destination_runs(h)
{
    cause = DOMM_CAUSE_DONE;
    if
    :: state == DOMM_DST_ADMITTING ->
        migrations[m].to_begun = true;
        if
        :: copies[h].target != ABSENT && copies[h].name == INCOMING && m > 0 &&
           migrations[0].to == h && !migrations[0].to_adopted -> destroy(h)
        :: else
        fi;
        if
        :: copies[h].target != ABSENT -> cause = DOMM_CAUSE_FAILED
        :: else ->
            d_step {
                numbers++;
                copies[h].number = numbers;
                copies[h].name = INCOMING;
                copies[h].target = STOPPED;
                copies[h].monitor = STOPPED
            };
            received = true
        fi
    :: state == DOMM_DST_PREPARING ->
        d_step {
            copies[h].valid = copies[migrations[m].from].valid;
            copies[h].same = copies[migrations[m].from].same
        }
    :: state == DOMM_DST_STARTING -> run_monitor(h)
    :: state == DOMM_DST_RENEWING -> renew_monitor(h); run_monitor(h)
    :: state == DOMM_DST_RELEASING -> run_target(h)
    fi
}

#define DESTINATION_IS(kind_is)                                                                    \
    c_expr { domm_migration_states[PDestination->state].kind == kind_is }

proctype Destination(byte m; byte h)
{
    byte state = DOMM_DST_LISTENING, cause, message;
    bool received, entered, held;
    {
        do
        :: atomic { DESTINATION_IS(DOMM_STATE_KIND_HALTS) && state != DOMM_DST_HELD -> break }
        :: state == DOMM_DST_ADOPTING ->
            copies[h].name = PROPER;
            atomic {
                migrations[m].to_adopted = true;
                copies[h].taken = true;
                cause = DOMM_CAUSE_DONE; next_at_destination(); destination_says()
            }
        :: atomic { DESTINATION_IS(DOMM_STATE_KIND_RUNS) && state != DOMM_DST_ADOPTING ->
            destination_runs(h); next_at_destination();
            if
            :: state == DOMM_DST_MOVED -> migrations[m].to_over = true
            :: else
            fi;
            destination_says() }
        :: atomic { DESTINATION_IS(DOMM_STATE_KIND_UNDOES) ->
            if
            :: received -> destroy(h); received = false
            :: else
            fi;
            migrations[m].to_over = migrations[m].to_begun;
            cause = DOMM_CAUSE_DONE; next_at_destination(); destination_says() }
        :: atomic { state == DOMM_DST_AWAITING_MONITOR && !held ->
            if
            :: cause = DOMM_CAUSE_READY
            :: cause = DOMM_CAUSE_HOLD; held = true; copies[h].ready = false
            fi;
            next_at_destination(); destination_says() }
        :: atomic { state == DOMM_DST_AWAITING_MONITOR && held ->
            cause = DOMM_CAUSE_READY; next_at_destination(); destination_says() }
        :: atomic { state == DOMM_DST_HELD ->
            cause = DOMM_CAUSE_RESTART; next_at_destination(); destination_says() }
        :: atomic { DESTINATION_IS(DOMM_STATE_KIND_WAITS) && state != DOMM_DST_AWAITING_MONITOR ->
            RECEIVE(forth0, forth1);
            next_at_destination(); destination_says() }
        od
    } unless { migrations[m].to_killed };
    atomic {
        migrations[m].to_alive = false;
        migrations[m].to_killed = false;
        migrations[m].broken = true;
        wake();
        if
        :: !migrations[m].alive -> DRAIN()
        :: else
        fi
    }
}

/* --- recovery --- */

/* What an end finds out about the migration. */
inline source_facts()
{
    c_code {
        struct domm_recovery_facts facts = {
            .alive = now.migrations[PRecovery->m].alive,
            .here = now.copies[PRecovery->h].target != ABSENT &&
                    now.copies[PRecovery->h].number == now.migrations[PRecovery->m].number,
            .over = now.migrations[PRecovery->m].over,
            .owner = now.migrations[PRecovery->m].owner,
        };
        PRecovery->then =
            domm_recovery_at_source(&facts, PRecovery->said, PRecovery->assumed);
        PRecovery->asks = domm_recovery_asks(&facts);
    }
}

#define DESTINATION_FACTS(host, then_r, function)                                                  \
    c_code {                                                                                       \
        struct domm_recovery_facts facts = {                                                       \
            .alive = now.migrations[PRecovery->m].to_alive,                                        \
            .here = now.copies[host].target != ABSENT && now.copies[host].name == PROPER,          \
            .over = now.migrations[PRecovery->m].to_over &&                                        \
                    !now.migrations[PRecovery->m].to_lost,                                         \
            .owner = now.migrations[PRecovery->m].to_adopted ? DOMM_OWNER_DESTINATION              \
                                                             : DOMM_OWNER_SOURCE,                  \
        };                                                                                         \
        PRecovery->then_r =                                                                        \
            function(now.migrations[PRecovery->m].to_begun ? &facts : 0);                          \
    }

/* The administrator knows the truth, and tells it once the destination's process has ended. */
inline ask_administrator()
{
    if
    :: migrations[m].to_alive -> assumed = DOMM_ASSUME_NOTHING
    :: else ->
        if
        :: copies[h].valid && !(migrations[m].to_adopted && worth(migrations[m].to)) ->
            assumed = DOMM_ASSUME_ROLLED_BACK
        :: else -> assumed = DOMM_ASSUME_COMMITTED
        fi
    fi
}

/* Another journal of the same copy, with a graver verdict. */
#define graver(n)                                                                                  \
    (migrations[n].begun && !migrations[n].over && migrations[n].from == h &&                      \
     migrations[n].number == copies[h].number && migrations[n].owner > migrations[m].owner)

#ifdef OLD_RULE_1
/* "None are there": the copies that are at the other host now. */
#define old_rule_1()                                                                               \
    if                                                                                             \
    :: migrations[m].owner == DOMM_OWNER_UNKNOWN &&                                                \
       !(copies[migrations[m].to].target != ABSENT && copies[migrations[m].to].name == PROPER) ->  \
        then = DOMM_RECOVERY_RUN                                                                   \
    :: else                                                                                        \
    fi
#else
#define old_rule_1()
#endif

#ifdef OLD_RULE_7
/* Once it was told of the hand-over, the source never took anything back. */
#define old_rule_7()                                                                               \
    if                                                                                             \
    :: migrations[m].owner == DOMM_OWNER_DESTINATION && then == DOMM_RECOVERY_RUN_FRESH ->         \
        then = DOMM_RECOVERY_DECIDE                                                                \
    :: else                                                                                        \
    fi
#else
#define old_rule_7()
#endif

inline judge_at_source()
{
    said = DOMM_ANSWER_NONE;
    assumed = DOMM_ASSUME_NOTHING;
    source_facts();
    if
    :: asks ->
        if
        :: DESTINATION_FACTS(now.migrations[PRecovery->m].to, said, domm_recovery_reply)
        :: true /* it does not answer */
        fi;
        source_facts();
        old_rule_1();
        if
        :: then == DOMM_RECOVERY_DECIDE -> ask_administrator(); source_facts()
        :: else
        fi;
        old_rule_7()
    :: else
    fi;
#ifndef OLD_RULE_2
    /* Of several journals the gravest counts. */
    if
    :: then <= DOMM_RECOVERY_RUN_FRESH && then != DOMM_RECOVERY_NOTHING &&
       (graver(0) || graver(MIGRATIONS - 1)) -> then = DOMM_RECOVERY_WAIT
    :: else
    fi
#endif
}

inline end_journals()
{
    d_step {
        migrations[m].over = true;
        if
        :: migrations[0].from == h && migrations[0].number == migrations[m].number &&
           !migrations[0].alive && migrations[0].begun -> migrations[0].over = true
        :: else
        fi;
        if
        :: migrations[MIGRATIONS - 1].from == h && !migrations[MIGRATIONS - 1].alive &&
           migrations[MIGRATIONS - 1].number == migrations[m].number &&
           migrations[MIGRATIONS - 1].begun -> migrations[MIGRATIONS - 1].over = true
        :: else
        fi
    }
}

inline recover_run(fresh)
{
    atomic {
        copies[h].name = PROPER;
        if
        :: fresh -> renew_monitor(h)
        :: else
        fi;
        run_monitor(h)
    };
    run_target(h)
}

/* What was killed meanwhile is run again later. */
#define undone(n)                                                                               \
    (!idle[h] && !locked(h) && ((migrations[n].begun && migrations[n].from == h && !migrations[n].over) ||     \
                    (migrations[n].to_begun && migrations[n].to == h && !migrations[n].to_over)))
#define SETTLED(then) (then != DOMM_RECOVERY_WAIT && then != DOMM_RECOVERY_DECIDE)

/* All of a verdict is one step, so that a verdict to wait leaves nothing behind to look at. */
proctype Recovery(byte h)
{
    byte m, then, said, assumed;
    bool asks;
end:
    do
    :: atomic { undone(0) -> m = 0; recovering[h] = true } -> goto settle
    :: atomic { MIGRATIONS > 1 && undone(MIGRATIONS - 1) -> m = MIGRATIONS - 1; recovering[h] = true } -> goto settle
    od;
settle:
    if
    :: migrations[m].from == h && migrations[m].begun && !migrations[m].over ->
        atomic { judge_at_source(); idle[h] = !SETTLED(then) };
        if
        :: then == DOMM_RECOVERY_RUN -> recover_run(false); end_journals()
        :: then == DOMM_RECOVERY_RUN_FRESH -> recover_run(true); end_journals()
        :: then == DOMM_RECOVERY_CLEAR -> atomic { excuse_a_reset(); destroy(h) }; end_journals()
        :: then == DOMM_RECOVERY_NOTHING -> end_journals()
        :: !SETTLED(then)
        fi
    :: else ->
        atomic {
            DESTINATION_FACTS(PRecovery->h, then, domm_recovery_at_destination);
            idle[h] = !SETTLED(then)
        };
        if
        :: then == DOMM_RECOVERY_RUN -> recover_run(false); migrations[m].to_over = true
        :: then == DOMM_RECOVERY_CLEAR ->
            if
            :: copies[h].target != ABSENT && copies[h].name != AWAY -> destroy(h)
            :: else
            fi;
            migrations[m].to_over = true
        :: then == DOMM_RECOVERY_NOTHING ->
            d_step { migrations[m].to_lost = migrations[m].to_adopted; migrations[m].to_over = true }
        :: !SETTLED(then)
        fi
    fi;
    atomic {
        if
        :: SETTLED(then) -> wake()
        :: else
        fi;
        recovering[h] = false;
        then = 0; said = 0; assumed = 0; asks = false;
        m = 0
    };
    goto end
}

/* --- the world --- */

inline begin(from_host, to_host)
{
    d_step {
        migrations[begun].from = from_host;
        migrations[begun].to = to_host;
        migrations[begun].begun = true;
        migrations[begun].owner = DOMM_OWNER_SOURCE;
        migrations[begun].number = copies[from_host].number;
        migrations[begun].alive = true;
        migrations[begun].to_alive = true
    };
    run Source(begun, from_host);
    run Destination(begun, to_host);
    begun++
}

#define may_begin(h)                                                                               \
    (begun < MIGRATIONS && copies[h].target != ABSENT && copies[h].name != INCOMING && !locked(h))

proctype Administrator()
{
    byte to;
    atomic { begin(0, 1) };
    do
    :: atomic { may_begin(0) -> select(to : 1..2); !locked(to) -> begin(0, to); to = 0 }
    :: atomic { may_begin(1) -> if :: to = 0 :: to = 2 fi; !locked(to) -> begin(1, to); to = 0 }
    :: break
    od
}

/* A copy that was not taken over does not replace one that is lost. */
#define handed(h) (worth(h) && copies[h].taken)

#define kill_on(n, h)                                                                              \
    if                                                                                             \
    :: migrations[n].alive && migrations[n].from == h -> migrations[n].killed = true               \
    :: migrations[n].to_alive && migrations[n].to == h -> migrations[n].to_killed = true           \
    :: else                                                                                        \
    fi

inline reset(h)
{
    d_step {
        if
        :: worth(h) && !handed((h + 1) % HOSTS) && !handed((h + 2) % HOSTS) -> excused = true
        :: else
        fi;
        copies[h].target = ABSENT;
        copies[h].monitor = ABSENT;
        copies[h].valid = false;
        copies[h].same = false;
        copies[h].ready = false;
        copies[h].taken = false;
        copies[h].name = PROPER;
        copies[h].number = 0;
        idle[0] = false;
        idle[1] = false;
        idle[2] = false;
        kill_on(0, h);
        kill_on(MIGRATIONS - 1, h)
    }
}

#define BREAKABLE(n) (migrations[n].begun && !migrations[n].broken)

proctype World()
{
    byte n;
    do
    :: atomic { faults > 0 && !recovering[0] -> reset(0); faults-- }
    :: atomic { faults > 0 && !recovering[1] -> reset(1); faults-- }
    :: atomic { faults > 0 && !recovering[2] -> reset(2); faults-- }
    :: atomic { faults > 0 ->
        select(n : 0..(MIGRATIONS - 1));
        if
        :: migrations[n].alive -> migrations[n].killed = true
        :: migrations[n].to_alive -> migrations[n].to_killed = true
        :: BREAKABLE(n) -> migrations[n].broken = true
        :: else
        fi;
        n = 0;
        faults-- }
    :: atomic { faults = 0; break }
    od
}

init {
    atomic {
        numbers = 1;
        copies[0].number = 1;
        copies[0].taken = true;
        copies[0].valid = true;
        copies[0].same = true;
        copies[0].target = RUNNING;
        copies[0].monitor = RUNNING;
        copies[0].ready = true;
        run Recovery(0);
        run Recovery(1);
        run Recovery(2);
        run Administrator();
        run World()
    };
    timeout -> assert(excused || copies[0].target == RUNNING || copies[1].target == RUNNING ||
                      copies[2].target == RUNNING)
}
