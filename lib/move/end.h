/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One end of a migration as it runs: what source and destination have in common. The runner
 * (runner.h) drives the machine (machine.h) and hands each end its steps.
 *
 * Threads: steps and looks run in the worker's, all else in the loop's. The loop touches xen,
 * store, memory, netlink and what the steps keep only while no job is in hand; the movers have a
 * lock of their own.
 */
#ifndef DOMM_MOVE_END_H
#define DOMM_MOVE_END_H

#include "lib/base/log.h"
#include "lib/mapping/state.h"
#include "lib/move/blob.h"
#include "lib/move/journal.h"
#include "lib/move/machine.h"
#include "lib/move/movers.h"
#include "lib/move/peer.h"
#include "lib/move/report.h"
#include "lib/move/worker.h"
#include "lib/pair/inventory.h"
#include "lib/pair/status.h"
#include "lib/xen/memory.h"
#include "lib/xen/store.h"

/* A guest at this end. */
struct domm_end_guest {
    struct domm_wire_guest facts; /* as they are told over the link */
    uint32_t domid;               /* 0: it is not here */
    struct domm_blob config;      /* libxl's JSON, with a terminator behind it */
    uint64_t cpu_ns;              /* CPU time it had used when domM stopped (source) */
    bool may_run;                 /* destination: it was unpaused */
};

struct domm_end;

#define DOMM_END_EVENTS 16

struct domm_end_ops {
    /* The worker's. */
    int (*run)(struct domm_end *end, enum domm_step step, unsigned int guest,
               struct domm_error *err);
    int (*undo)(struct domm_end *end, enum domm_step step, unsigned int guest,
                struct domm_error *err);
    /* 0 if the pair is monitored now, else why it is not. */
    int (*look)(struct domm_end *end, struct domm_error *err);
    /* The loop's. A message that came: before the machine hears of it. */
    int (*hear)(struct domm_end *end, const struct domm_wire *message, struct domm_error *err);
    /* Says what belongs before a message of the machine, and fills what it carries. */
    int (*say)(struct domm_end *end, struct domm_wire *message, struct domm_error *err);
    /* News of a saver or receiver. */
    void (*news)(struct domm_end *end, unsigned int guest, const struct domm_news *news);
    /* What there is to do now and then; returns after how many ms to call it again. It is also
     * called when the descriptor that fd tells, if not -1, is readable. */
    int (*tick)(struct domm_end *end);
    int (*fd)(struct domm_end *end);
};

/* Who looks on. Called by the loop; the report is as it stands. */
struct domm_spectator {
    void *context;
    void (*state)(void *context, const struct domm_end *end);
    void (*news)(void *context, const struct domm_end *end, unsigned int guest,
                 const struct domm_news *news);
};

struct domm_end {
    const struct domm_end_ops *ops;
    const struct domm_spectator *spectator; /* may be null */
    struct domm_log *log;
    struct domm_log movers_log; /* without the terminal's line of progress */
    struct domm_xen *xen;
    struct domm_store *store;
    struct domm_memory *memory;
    struct nl_sock *netlink;
    int locks; /* domm_guest_locks_open */
    struct domm_peer peer;
    struct domm_worker *worker;
    struct domm_movers movers;
    struct domm_journal *journal;
    struct domm_machine machine;
    struct domm_wire_offer offer;
    struct domm_record record;
    struct domm_end_guest guests[DOMM_MOVERS]; /* 0 is domM */
    struct domm_blob state_bytes;              /* the mapping state, as it travels */
    struct domm_report report;
    uint64_t began_ns;                         /* CLOCK_MONOTONIC */
    int signals;                               /* a signalfd, or -1 */
    struct domm_event events[DOMM_END_EVENTS]; /* raised, not handled yet */
    unsigned int n_events;
    struct domm_error error; /* the first that mattered; code 0: none */
    bool greeted;            /* the other end runs domm */
    bool told;               /* it was, to the other end */
    bool aborted;            /* it was asked for */
};

static inline unsigned int domm_end_guests(const struct domm_end *end)
{
    return 1 + end->offer.n_targets;
}

/* Opens the doors to this host. log is borrowed. domm_end_close closes all that is open. */
int domm_end_open(struct domm_end *end, struct domm_log *log, struct domm_error *err);
void domm_end_close(struct domm_end *end);

/* Makes this end's journal, which begins with who is to be moved. */
int domm_end_begin_journal(struct domm_end *end, bool source, struct domm_error *err);

/* Notes in the journal which domain the guest is at this end. */
int domm_end_note_guest(struct domm_end *end, unsigned int guest, struct domm_error *err);

/* The loop's: hands an event to the machine as soon as may be. */
void domm_end_raise(struct domm_end *end, struct domm_event event);

/* Keeps the first of several reasons. */
void domm_end_blame(struct domm_end *end, const struct domm_error *reason);

/* Marks and times of the report: ns since the migration began at this end. */
uint64_t domm_end_now(const struct domm_end *end);
void domm_end_mark(struct domm_end *end, unsigned int guest, enum domm_mark mark, uint64_t when_ns);

/* HELLO, said and heard. */
int domm_end_hello(struct domm_end *end, struct domm_wire_hello *hello_r, struct domm_error *err);
int domm_end_agree(struct domm_end *end, const struct domm_wire_hello *theirs,
                   struct domm_error *err);

/* Whether the pair is monitored now, by measurement; DOMM_PREFLIGHT, and why, if it is not. */
int domm_end_ready(struct domm_end *end, struct domm_error *err);

/* domM and its targets at this end, for lib/mapping/state.h. */
struct domm_end_pair {
    struct domm_state_pair pair;
    struct domm_mapping_target targets[DOMM_STATE_TARGETS];
    struct domm_uuid uuids[DOMM_STATE_TARGETS];
    struct domm_layout layouts[DOMM_STATE_TARGETS]; /* of PV targets */
};

/* fresh: they were restored and have not run. Freed by domm_end_pair_free. */
int domm_end_pair(struct domm_end *end, bool fresh, struct domm_end_pair **pair_r,
                  struct domm_error *err);
void domm_end_pair_free(struct domm_end *end, struct domm_end_pair *pair);

/* Writes a mapping state into domM's page tables. */
int domm_end_write_state(struct domm_end *end, bool fresh, const struct domm_state *state,
                         struct domm_state_written *written_r, struct domm_error *err);

/* Waits for domM's page tables, which dommd has for the time of a request. */
int domm_end_take_tables(struct domm_end *end, struct domm_error *err);
void domm_end_give_tables(struct domm_end *end);

/* Gives a guest's domain its proper name with that ending, or without it. */
int domm_end_rename(struct domm_end *end, unsigned int guest, const char *ending, bool with,
                    struct domm_error *err);

/* The domain that has the guest's UUID, and its state; domid 0 if there is none. */
int domm_end_find(struct domm_end *end, unsigned int guest, uint32_t *domid_r,
                  enum domm_domain_state *state_r, struct domm_error *err);

/* Takes or gives back the locks of all guests. Who takes them begins anew: a decision that was left
 * for an earlier migration is dropped. */
int domm_end_lock_guests(struct domm_end *end, struct domm_error *err);
void domm_end_unlock_guests(struct domm_end *end);

/* A fresh domM in place of the one that is there, for the same targets; it runs. */
int domm_end_renew_domm(struct domm_end *end, struct domm_error *err);

#endif
