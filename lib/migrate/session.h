/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One end of a running migration: the part that source and destination share. The loop (loop.h)
 * drives the machine (machine.h) and runs the steps of its end.
 *
 * Threads: steps and checks of readiness run in the worker's thread, everything else in the loop's.
 * The loop uses xen, store, hv, netlink and the data of the steps only while no job is in hand; the
 * transfers have their own lock.
 */
#ifndef DOMM_MIGRATE_SESSION_H
#define DOMM_MIGRATE_SESSION_H

#include "lib/base/log.h"
#include "lib/mapping/mapping_state.h"
#include "lib/migrate/fsm/machine.h"
#include "lib/migrate/journal/journal.h"
#include "lib/migrate/journal/tuning.h"
#include "lib/migrate/protocol/chunks.h"
#include "lib/migrate/protocol/control_link.h"
#include "lib/migrate/report/report.h"
#include "lib/migrate/transfers.h"
#include "lib/migrate/worker.h"
#include "lib/pair/inventory.h"
#include "lib/pair/status.h"
#include "lib/xen/hv.h"
#include "lib/xen/store.h"

/* A guest at this end. */
struct domm_session_guest {
    struct domm_message_guest facts; /* as sent over the link */
    uint32_t domid;                  /* 0: not on this host */
    struct domm_chunks config;       /* libxl's JSON, with a terminator behind it */
    uint64_t cpu_ns;                 /* CPU time it had used when the monitor stopped (source) */
    bool may_run;                    /* destination: it was unpaused */
};

/* The nonce that the monitor's agent was asked with for the look that is under way, or the next. */
struct domm_session_question {
    uint32_t domid; /* the monitor's; 0: nothing */
    struct domm_agent_word word;
    bool answered;
};

struct domm_session;

/* One for each guest, and some more, before the loop handles them. */
#define DOMM_SESSION_EVENTS (16 + 4 * DOMM_MAX_GUESTS)

struct domm_session_ops {
    /* The worker's. */
    int (*run)(struct domm_session *session, enum domm_step step, unsigned int guest,
               struct domm_error *err);
    int (*undo)(struct domm_session *session, enum domm_step step, unsigned int guest,
                struct domm_error *err);
    /* 0 if the pair is monitored now, otherwise -code and the reason. */
    int (*look)(struct domm_session *session, struct domm_error *err);
    /* In the loop's thread: a message has arrived; called before the machine handles it. */
    int (*receive)(struct domm_session *session, const struct domm_message *message,
                   struct domm_error *err);
    /* Sends the messages that precede a message of the machine, and fills in its payload. */
    int (*send)(struct domm_session *session, struct domm_message *message, struct domm_error *err);
    /* Progress of a saver or receiver. */
    void (*progress)(struct domm_session *session, unsigned int guest,
                     const struct domm_progress *progress);
    /* Periodic work; returns the time to the next call in ms. Also called when the descriptor that
     * `fd` returns, if not -1, is readable. */
    int (*tick)(struct domm_session *session);
    int (*fd)(struct domm_session *session);
    /* Changes a limit; null where there is none to change. */
    void (*tune)(struct domm_session *session, enum domm_tuning tuning, uint64_t value);
};

/* Observers. Called by the loop; the report is as it stands. Each may be null. */
struct domm_session_callbacks {
    void *context;
    void (*state)(void *context, const struct domm_session *session);
    void (*progress)(void *context, const struct domm_session *session, unsigned int guest,
                     const struct domm_progress *progress);
    /* Once a second; asked: now, since a signal (SIGUSR1) asks how far it is. */
    void (*status)(void *context, const struct domm_session *session, bool asked);
};

/* What must not begin unless somebody else agrees. */
enum domm_session_phase {
    DOMM_PHASE_MIGRATE, /* the checks of this end have passed; nothing was changed */
    DOMM_PHASE_STOP,    /* source: pre-copy has converged; the guests are to be stopped */
};

/* Is asked in the worker's thread; its failure is that of the step. */
struct domm_session_gate {
    void *context;
    int (*pass)(void *context, const struct domm_session *session, enum domm_session_phase phase,
                struct domm_error *err);
};

struct domm_session {
    const struct domm_session_ops *ops;
    const struct domm_session_callbacks *callbacks; /* may be null */
    const struct domm_session_gate *gate;           /* may be null */
    struct domm_log *log;
    struct domm_log transfers_log; /* without the line of progress on the terminal */
    struct domm_xen *xen;
    struct domm_store *store;
    struct domm_hv *hv;
    struct nl_sock *netlink;
    char *const *ssh; /* source: the words that run a command at the destination; or null */
    int net_changes;  /* lib/net/changes.h */
    int locks;        /* domm_guest_locks_open */
    struct domm_control_link link;
    struct domm_worker *worker;
    struct domm_transfers transfers;
    struct domm_journal *journal;
    struct domm_machine machine;
    struct domm_message_offer offer;
    struct domm_record record;
    struct domm_session_guest guests[DOMM_MAX_GUESTS]; /* 0 is the monitor */
    struct domm_chunks state_bytes;                    /* the mapping state as sent */
    struct domm_session_question question;
    struct domm_report report;
    uint64_t began_ns;                             /* CLOCK_MONOTONIC */
    int signals;                                   /* a signalfd, or -1 */
    struct domm_event events[DOMM_SESSION_EVENTS]; /* not handled yet */
    unsigned int n_events;
    struct domm_error error; /* the first error that matters; code 0: none */
    bool greeted;            /* the other end runs domm */
    bool error_sent;         /* the other end was told the error */
    bool aborted;            /* an abort was requested */
    bool agreed;             /* destination: the source has the outcome */
    bool preflight;          /* destination: nothing is to be changed on this host */
};

static inline unsigned int domm_session_guest_count(const struct domm_session *session)
{
    return 1 + session->offer.n_targets;
}

/* Connects to Xen, xenstore and netlink. log is borrowed. domm_session_close must be called, also
 * after a failure. */
int domm_session_open(struct domm_session *session, struct domm_log *log, struct domm_error *err);
void domm_session_close(struct domm_session *session);

/* Creates this end's journal, which begins with the guests, and locks the migration. */
int domm_session_begin_journal(struct domm_session *session, bool source, struct domm_error *err);

/* Notes the guest's domid at this end in the journal. */
int domm_session_note_guest(struct domm_session *session, unsigned int guest,
                            struct domm_error *err);

/* In the loop's thread: queues an event for the machine. */
void domm_session_raise(struct domm_session *session, struct domm_event event);

/* Keeps the first of several errors. */
void domm_session_record_first_error(struct domm_session *session, const struct domm_error *reason);

/* Marks and times of the report: ns since the migration began at this end. */
uint64_t domm_session_now(const struct domm_session *session);
void domm_session_mark(struct domm_session *session, unsigned int guest, enum domm_mark mark,
                       uint64_t when_ns);

/* In the worker's thread: asks the gate, if there is one. */
int domm_session_pass(struct domm_session *session, enum domm_session_phase phase,
                      struct domm_error *err);

/* Makes this end's HELLO; checks the other end's. */
int domm_session_make_hello(struct domm_session *session, struct domm_message_hello *hello_r,
                            struct domm_error *err);
int domm_session_take_hello(struct domm_session *session, const struct domm_message_hello *theirs,
                            struct domm_error *err);

/* Refuses a migration to the same host, or to CPUs of another vendor: DOMM_PREFLIGHT. What an
 * earlier domm does not send is not compared. */
int domm_session_compare_hosts(const struct domm_message_hello *ours,
                               const struct domm_message_hello *theirs, struct domm_error *err);

/* The monitor and its targets at this end, for lib/mapping/mapping_state.h. */
struct domm_session_pair {
    struct domm_mapping_pair pair;
    struct domm_mapping_target targets[DOMM_MAPPING_MAX_TARGETS];
    struct domm_uuid uuids[DOMM_MAPPING_MAX_TARGETS];
    struct domm_layout layouts[DOMM_MAPPING_MAX_TARGETS]; /* of PV targets */
};

/* fresh: they were restored and have not run. Freed by domm_session_pair_free. */
int domm_session_pair(struct domm_session *session, bool fresh, struct domm_session_pair **pair_r,
                      struct domm_error *err);
void domm_session_pair_free(struct domm_session *session, struct domm_session_pair *pair);

/* Writes a mapping state into the monitor's page tables. */
int domm_session_write_state(struct domm_session *session, bool fresh,
                             const struct domm_mapping_state *state,
                             struct domm_mapping_written *written_r, struct domm_error *err);

/* Locks the monitor's page tables. dommd locks them for the time of a request. */
int domm_session_lock_tables(struct domm_session *session, struct domm_error *err);
void domm_session_unlock_tables(struct domm_session *session);

/* Renames a guest's domain from its proper name to NAME with the suffix, or back. */
int domm_session_rename(struct domm_session *session, unsigned int guest, const char *ending,
                        bool with, struct domm_error *err);

/* The domain that has the guest's UUID, and its state; domid 0 if there is none. */
int domm_session_find(struct domm_session *session, unsigned int guest, uint32_t *domid_r,
                      enum domm_domain_state *state_r, struct domm_error *err);

/* Locks or unlocks all guests. Locking drops a hold override that was left for an earlier
 * migration. */
int domm_session_lock_guests(struct domm_session *session, struct domm_error *err);
void domm_session_unlock_guests(struct domm_session *session);

/* Replaces the monitor by a fresh one for the same targets, and runs it. */
int domm_session_renew_monitor(struct domm_session *session, struct domm_error *err);

#endif
