/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two simulated hosts, each with one end of a migration, simulated guests and a link between them.
 * A plain value: a point from which the exploration goes on in every direction. Each step and each
 * message is checked against what must hold; the first breach is kept as a text.
 */
#ifndef DOMM_TESTS_HOSTS_H
#define DOMM_TESTS_HOSTS_H

#include "lib/migrate/fsm/machine.h"
#include "lib/migrate/fsm/recovery.h"

#define MAX_GUESTS 3
#define MAX_QUEUE 6

enum { SRC, DST, ENDS };

enum copy_name { NAME_NONE, NAME_INCOMING, NAME_PROPER, NAME_AWAY };

struct copy {
    bool exists, whole, running;
    bool ran; /* since it was stopped, or since it was made: the other copy is stale */
    uint8_t name;
};

/* Wrong orders, to see that the checks see them. */
enum sabotage {
    SOUND,
    TARGET_BEFORE_MONITOR,   /* the destination releases the targets with the monitor */
    TARGET_RESUMES_FIRST,    /* the source resumes targets where it should resume the monitor */
    MONITOR_STOPS_FIRST,     /* the source stops the monitor with the first target */
    RESUME_WHEN_UNANSWERED,  /* the source takes silence after COMMIT for GONE */
    START_WHEN_UNTOLD,       /* the destination takes a lost link for COMMIT */
    RESUME_BEFORE_DESTROYED, /* the source takes its own ABORT for GONE */
    LOSE_A_GUEST,            /* the source destroys at COMMIT, not at FINISHED */
    HALF_A_PAIR,             /* the destination destroys the monitor's copy only */
    /* Of recovery. */
    SILENCE_IS_REFUSAL,      /* the source takes a host that has none of the guests for one that has
                                refused them */
    JOURNALS_END_WITH_BOOTS, /* the destination forgets at a boot what it has adopted */
    RECEIVERS_ARE_NOT_ASKED, /* the destination answers without looking for its process */
};

/* What an end has written down, as far as recovery reads it. */
struct written {
    uint8_t owner; /* enum domm_owner */
    bool owning, over;
    bool done; /* recovery has nothing more to do */
};

struct world {
    struct domm_machine end[ENDS];
    bool dead[ENDS], told[ENDS]; /* told: the link is lost */
    bool cut;
    uint8_t n_queued[ENDS], queue[ENDS][MAX_QUEUE]; /* messages to that end */
    struct copy copies[ENDS][MAX_GUESTS];
    bool sent[MAX_GUESTS];
    bool maps[ENDS], ready[ENDS], drained, state_sent, mirror;
    uint8_t paused;     /* targets that were paused before, by bits */
    uint8_t faults;     /* how many more may happen */
    bool faulty, doubt; /* one has happened; the source does not know of the copies' end for sure */
    uint8_t sabotage;
    /* Recovery; only if it is explored. */
    bool recovers;
    struct written written[ENDS];
    bool elsewhere; /* the pair has gone on from the destination to a third host, and runs there */
    bool finished;  /* the destination has said FINISHED */
    uint8_t lost;   /* guests whose only copy has ended with its host, by bits */
    uint8_t ran_at_dst; /* guests that have run there, by bits; their copies may have ended */
};

/* The first breach of a rule; empty if there was none. */
extern char breach[200];

void world_begin(struct world *w, unsigned int n_targets, enum domm_on_not_ready policy,
                 bool force_busy, enum sabotage sabotage);

/* Hands an event to one end and carries out what does not take time. Returns whether it meant
 * something there. */
bool world_event(struct world *w, int end, struct domm_event event);

/* Ends the step under way at one end. effect: it happens, whatever is then said of it. */
void world_step(struct world *w, int end, bool effect, enum domm_event_type result);

/* What a step under way does when its program dies with it. */
void world_effect(struct world *w, int end);

bool world_can_be_ready(const struct world *w, int end);

/* What must always hold; and what must when nothing more will happen, without recovery or after
 * it. */
void world_check(const struct world *w);
void world_check_end(const struct world *w);
void world_check_settled(const struct world *w);

/* The host goes down, and its program and its copies with it. */
void world_reset(struct world *w, int end);

/* The pair migrates from the destination to a third host; false if it cannot. */
bool world_move_on(struct world *w);

/* domm recover at an end whose program is gone; false if it changes nothing. What an administrator
 * has to say is the truth. */
bool world_recover(struct world *w, int end);

uint64_t world_fingerprint(const struct world *w);

#endif
