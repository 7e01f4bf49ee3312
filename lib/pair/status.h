/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How well the targets of this host are monitored, measured in Xen, the kernel and the agent, never
 * taken from stored state.
 */
#ifndef DOMM_PAIR_STATUS_H
#define DOMM_PAIR_STATUS_H

#include "lib/base/json.h"
#include "lib/pair/agent_client.h"
#include "lib/pair/inventory.h"
#include "lib/pair/losses.h"
#include "lib/pair/mirrors.h"
#include "lib/pair/pages.h"
#include "lib/pair/roster.h"
#include "lib/xen/hv.h"
#include "lib/xen/store.h"

enum domm_verdict {
    DOMM_VERDICT_NONE,     /* not configured */
    DOMM_VERDICT_READY,    /* the monitor sees all of it */
    DOMM_VERDICT_DEGRADED, /* the monitor sees a part of it, or this is uncertain */
    DOMM_VERDICT_BLIND,    /* the monitor sees nothing of it */
};

/* The verdict as monitor-status prints it; a static string. */
const char *domm_verdict_name(enum domm_verdict verdict);

#define DOMM_REASON 192 /* bytes, with the terminator */

struct domm_judgement {
    enum domm_verdict verdict;
    char reason[DOMM_REASON]; /* empty unless degraded or blind */
};

struct domm_mirror_status {
    struct domm_mirror_pair configured;
    struct domm_mirror_ends ends;
    bool measured;           /* both devices are there, and the kernel has told of them */
    char error[DOMM_REASON]; /* why they could not be looked at; empty if they could */
    struct domm_mirror_state state;
    uint64_t lost; /* packets since the last look; 0 if that is not known */
    struct domm_judgement judgement;
};

struct domm_storage_status {
    const struct domm_storage *configured;
    struct domm_claim claim;
    struct domm_judgement judgement;
};

struct domm_pair_status {
    const struct domm_record_target *target;
    const struct domm_inventory_entry *entry; /* null if it is not on this host */
    const char *name; /* null: it is not on this host, and was never seen there */
    struct domm_agent_answer answer;
    bool followed; /* dommd counts its pages */
    struct domm_pages pages;
    struct domm_judgement memory, network, storage, all;
    struct domm_mirror_status mirrors[DOMM_RECORD_MAX_ITEMS];
    struct domm_storage_status stores[DOMM_RECORD_MAX_ITEMS];
};

/* The status of one monitor. */
struct domm_status {
    const struct domm_inventory_entry *monitor;
    enum domm_absence absence;   /* unless NONE, nothing below is measured */
    bool service;                /* a dommd runs on this host */
    bool answered;               /* the agent has answered */
    char ask_error[DOMM_REASON]; /* why no agent could be asked; empty if it could */
    int64_t silent_ms;           /* age of its last sign of life; -1: none */
    bool scanned;
    char scan_error[DOMM_REASON]; /* why it could not be scanned; empty if it was or should not */
    size_t frames, writable; /* foreign frames in the monitor's page tables, of all its targets */
    size_t hidden;           /* pages of the monitor that could not be scanned */
    uint64_t paused_ns;      /* how long the scan has paused the monitor */
    struct domm_judgement domain; /* judgement on the monitor itself */
    size_t n_pairs;
    struct domm_pair_status *pairs;
    enum domm_verdict worst; /* NONE: it has no targets. BLIND if they cannot be known */
};

/* The connections needed for measuring. All borrowed. */
struct domm_observer {
    struct domm_xen *xen;
    struct domm_store *store;
    struct domm_hv *memory; /* null: no scan of page tables, no pause */
    struct nl_sock *netlink;
    const struct domm_agent_word *asked; /* by domm_agent_ask; null: the agents are asked now */
    bool answered; /* all have answered that before; others may have asked them since */
    const struct domm_expectations *expected; /* for the names of targets that are gone; or null */
    const struct domm_losses *losses;         /* of the last look, or null */
};

#define DOMM_AGENT_TIMEOUT_MS 5000

/* Measures the monitors given, domains of the inventory with a valid record. What cannot be
 * measured of one is in its status, and is no error. statuses_r has room for count of them; each is
 * freed by domm_status_free, and points into the inventory and the monitors. */
int domm_status_measure(const struct domm_observer *observer,
                        const struct domm_inventory *inventory,
                        const struct domm_inventory_entry *const *monitors, size_t count,
                        struct domm_status *statuses_r, struct domm_error *err);
void domm_status_free(struct domm_status *status);

/* The status of a monitor that cannot monitor its targets. */
int domm_status_of_absent(const struct domm_observer *observer,
                          const struct domm_inventory *inventory,
                          const struct domm_roster_entry *absent, struct domm_status *status_r,
                          struct domm_error *err);

/* The counters of a mirror that was measured, for domm_losses_note. */
struct domm_loss domm_mirror_loss(const struct domm_pair_status *pair,
                                  const struct domm_mirror_status *mirror);

/* The gravest judgement on the monitor and its targets, or on the monitor and that target alone if
 * it is not null, and whose it is: *name_r is the status's. Pure. */
const struct domm_judgement *domm_status_gravest(const struct domm_status *status,
                                                 const struct domm_uuid *target,
                                                 const char **name_r);

/* Derives the judgements from the measurements; pure. */
void domm_status_judge(struct domm_status *status);

/* The caller's to put; domm-monitor-status(1) describes it. */
struct json_object *domm_status_json(const struct domm_status *status);

#endif
